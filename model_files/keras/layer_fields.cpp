// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/layer_fields.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"

namespace ringtrain::model_files::keras {
namespace {

using nlohmann::json;

constexpr int64_t kMost = int64_t{1} << 24;

std::string shown(const json& value) {
  return printable(value.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 60));
}

bool is_positive(const json& value) {
  return value.is_number_integer() && value >= 1 && value <= kMost;
}

}  // namespace

LayerFields::LayerFields(const json& layer, std::string source) : source_(std::move(source)) {
  if (!layer.is_object() || !layer.contains("class_name") || !layer["class_name"].is_string() ||
      !layer.contains("config") || !layer["config"].is_object()) {
    throw data_error(
        fmt::format("{}: model_config has a layer without class_name or config", source_));
  }
  class_name_ = layer["class_name"].get<std::string>();
  config_ = layer["config"];
  name_ = text("name", "");
  if (name_.empty()) refuse("has no name");
}

std::string LayerFields::identifier() const {
  std::string result;
  for (const char c : name_) result += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  if (std::isdigit(static_cast<unsigned char>(result.front())) != 0) result = "_" + result;
  static const std::set<std::string, std::less<>> kTaken = {"forward", "training", "x",   "self",
                                                            "torch",   "None",     "def", "class"};
  return kTaken.contains(result) ? result + "_" : result;
}

void LayerFields::refuse(std::string_view why) const {
  throw data_error(fmt::format("{}: layer '{}' ({}) {}", source_, printable(name_.substr(0, 80)),
                               printable(class_name_.substr(0, 80)), why));
}

const json* LayerFields::find(const char* key) const {
  const auto found = config_.find(key);
  return found == config_.end() || found->is_null() ? nullptr : &*found;
}

int64_t LayerFields::positive(const char* key) const {
  const json* const value = find(key);
  if (value == nullptr || !is_positive(*value)) {
    refuse(fmt::format("has the {} {}; it is 1 to {}", key,
                       value == nullptr ? "null" : shown(*value), kMost));
  }
  return value->get<int64_t>();
}

Extent LayerFields::extent(const char* key, Extent otherwise) const {
  const json* const value = find(key);
  if (value == nullptr) return otherwise;
  if (is_positive(*value)) return {value->get<int64_t>(), value->get<int64_t>()};
  if (!value->is_array() || value->size() != 2 || !is_positive((*value)[0]) ||
      !is_positive((*value)[1])) {
    refuse(fmt::format("has the {} {}; it is two numbers from 1", key, shown(*value)));
  }
  return {(*value)[0].get<int64_t>(), (*value)[1].get<int64_t>()};
}

bool LayerFields::boolean(const char* key, bool otherwise) const {
  const json* const value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) refuse(fmt::format("has the {} {}", key, shown(*value)));
  return value->get<bool>();
}

double LayerFields::number(const char* key, double otherwise) const {
  const json* const value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_number() || !std::isfinite(value->get<double>()) || *value < 0) {
    refuse(fmt::format("has the {} {}", key, shown(*value)));
  }
  return value->get<double>();
}

std::string LayerFields::text(const char* key, const std::string& otherwise) const {
  const json* const value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_string()) refuse(fmt::format("has the {} {}", key, shown(*value)));
  return value->get<std::string>();
}

std::string LayerFields::activation() const {
  const json* const value = find("activation");
  if (value == nullptr) return "linear";
  if (value->is_string()) return value->get<std::string>();
  if (value->is_object() && value->contains("config") && (*value)["config"].is_string()) {
    return (*value)["config"].get<std::string>();
  }
  refuse(fmt::format("has the activation {}", shown(*value)));
}

std::vector<int64_t> LayerFields::input_shape() const {
  const json* value = find("batch_shape");
  if (value == nullptr) value = find("batch_input_shape");
  if (value == nullptr) return {};
  if (!value->is_array() || value->size() < 2 || value->size() > 4) {
    refuse(
        fmt::format("has the input shape {}; samples have one to three dimensions", shown(*value)));
  }
  std::vector<int64_t> shape;
  for (size_t i = 1; i < value->size(); ++i) {
    if (!is_positive((*value)[i])) {
      refuse(fmt::format("has the input shape {}, whose sizes must be given", shown(*value)));
    }
    shape.push_back((*value)[i].get<int64_t>());
  }
  return shape;
}

// -1, 3, or [3], as Keras 2 wrote it.
void LayerFields::require_last_axis(int last) const {
  const json* const axis = find("axis");
  if (axis == nullptr || *axis == -1 || *axis == last || *axis == json::array({last})) return;
  refuse("normalises along another axis than the last");
}

void LayerFields::require(const char* key, const json& usual) const {
  const json* const value = find(key);
  if (value == nullptr || *value == usual) return;
  refuse(fmt::format("has the {} {}, which cannot be converted; {} can", key, shown(*value),
                     shown(usual)));
}

}  // namespace ringtrain::model_files::keras
