// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/h5_child.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "datasets/writing/foreign_hdf5.hpp"

namespace ringtrain::model_files::keras {
namespace {

using datasets::check_hdf5;
using datasets::check_hdf5_status;
using datasets::Hdf5Handle;
using nlohmann::json;

constexpr size_t kMostNames = 100'000;
constexpr int kMostDims = 8;

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path)
      : name_(path.string()), file_(datasets::open_foreign_hdf5(path)) {}

  // Describes the file; weights() then has the datasets in this order.
  json describe() {
    if (H5Aexists(file_, "model_config") <= 0) {
      const bool weights_alone = H5Aexists(file_, "layer_names") > 0;
      refuse(weights_alone ? "holds weights without a model; save the whole model by model.save()"
                           : "not a model that Keras saved: it has no model_config");
    }
    json result = {{"model_config", text(file_, "model_config")},
                   {"keras_version", text_or_none(file_, "keras_version")},
                   {"backend", text_or_none(file_, "backend")},
                   {"layers", json::array()}};
    const Hdf5Handle group = open_group(file_, "model_weights", "model_weights");
    for (const std::string& layer : names(group, "layer_names")) {
      const std::string where = "model_weights/" + layer;
      const Hdf5Handle own = open_group(group, layer, where);
      json weights = json::array();
      for (const std::string& weight : names(own, "weight_names")) {
        weights.push_back({{"name", weight}, {"shape", open_weight(own, weight, where)}});
      }
      result["layers"].push_back({{"name", layer}, {"weights", weights}});
    }
    return result;
  }

  void write_numbers(int out) const {
    for (const Hdf5Handle& weight : weights_) {
      const Hdf5Handle space(check_hdf5(H5Dget_space(weight), name_), H5Sclose);
      std::vector<float> numbers(static_cast<size_t>(H5Sget_simple_extent_npoints(space)));
      check_hdf5_status(
          H5Dread(weight, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()),
          name_ + ": reading");
      const std::string_view bytes(reinterpret_cast<const char*>(numbers.data()),
                                   numbers.size() * sizeof(float));
      if (write_all(out, bytes) < bytes.size()) return;
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw data_error(fmt::format("{}: {}", name_, why));
  }

  Hdf5Handle open_group(hid_t from, const std::string& path, const std::string& where) const {
    datasets::require_hard_links(from, path, fmt::format("{}: {}", name_, where));
    return {check_hdf5(H5Gopen2(from, path.c_str(), H5P_DEFAULT), name_ + ": " + where), H5Gclose};
  }

  // Opens a dataset and returns its shape.
  json open_weight(hid_t layer, const std::string& path, const std::string& where) {
    datasets::require_hard_links(layer, path, fmt::format("{}: {}", name_, where));
    const std::string what = fmt::format("{}: {}/{}", name_, where, path);
    Hdf5Handle weight(check_hdf5(H5Dopen2(layer, path.c_str(), H5P_DEFAULT), what), H5Dclose);
    datasets::require_own_data(weight, what);
    const Hdf5Handle type(check_hdf5(H5Dget_type(weight), what), H5Tclose);
    if (H5Tget_class(type) != H5T_FLOAT) throw data_error(what + ": its type is not floats");
    const Hdf5Handle space(check_hdf5(H5Dget_space(weight), what), H5Sclose);
    const int rank = H5Sget_simple_extent_ndims(space);
    std::array<hsize_t, kMostDims> dims{};
    if (rank < 0 || rank > kMostDims) throw data_error(what + ": has too many dimensions");
    H5Sget_simple_extent_dims(space, dims.data(), nullptr);
    uint64_t product = 1;
    for (int i = 0; i < rank; ++i) {
      if (__builtin_mul_overflow(product, dims[static_cast<size_t>(i)], &product)) product = ~0UL;
    }
    total_ += std::min(product, kMostNumbers + 1);
    if (total_ > kMostNumbers) throw data_error(what + ": more than 2^31 weights in the file");
    weights_.push_back(std::move(weight));
    return std::vector<uint64_t>(dims.begin(), dims.begin() + rank);
  }

  // Reads an attribute of strings, of variable length or fixed.
  std::vector<std::string> strings(hid_t object, const char* attribute) const {
    const std::string what = fmt::format("{}: attribute {}", name_, attribute);
    const Hdf5Handle opened(check_hdf5(H5Aopen(object, attribute, H5P_DEFAULT), what), H5Aclose);
    const Hdf5Handle space(check_hdf5(H5Aget_space(opened), what), H5Sclose);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count < 0 || static_cast<size_t>(count) > kMostNames) {
      throw data_error(what + ": has too many names");
    }
    if (count == 0) return {};  // Keras stores none as floats
    const Hdf5Handle type(check_hdf5(H5Aget_type(opened), what), H5Tclose);
    if (H5Tget_class(type) != H5T_STRING) throw data_error(what + ": is no text");
    std::vector<std::string> result;
    if (H5Tis_variable_str(type) > 0) {
      const Hdf5Handle memory(check_hdf5(H5Tcopy(H5T_C_S1), what), H5Tclose);
      check_hdf5_status(H5Tset_size(memory, H5T_VARIABLE), what);
      H5Tset_cset(memory, H5Tget_cset(type));
      std::vector<char*> texts(static_cast<size_t>(count), nullptr);
      check_hdf5_status(H5Aread(opened, memory, static_cast<void*>(texts.data())), what);
      for (const char* text : texts) result.emplace_back(text == nullptr ? "" : text);
      H5Dvlen_reclaim(memory, space, H5P_DEFAULT, static_cast<void*>(texts.data()));
      return result;
    }
    const size_t size = H5Tget_size(type);
    std::string bytes(size * static_cast<size_t>(count), '\0');
    check_hdf5_status(H5Aread(opened, type, bytes.data()), what);
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      const char* text = bytes.data() + i * size;
      result.emplace_back(text, ::strnlen(text, size));
    }
    return result;
  }

  std::string text(hid_t object, const char* attribute) const {
    const auto found = strings(object, attribute);
    if (found.size() != 1) refuse(fmt::format("attribute {} is no text", attribute));
    return found[0];
  }

  std::string text_or_none(hid_t object, const char* attribute) const {
    return H5Aexists(object, attribute) > 0 ? text(object, attribute) : "";
  }

  // Many names are divided into attributes with a number, since one holds at most 64 KiB.
  std::vector<std::string> names(hid_t object, const std::string& attribute) const {
    if (H5Aexists(object, attribute.c_str()) > 0) return strings(object, attribute.c_str());
    std::vector<std::string> result;
    for (size_t part = 0; part < kMostNames; ++part) {
      const std::string own = fmt::format("{}{}", attribute, part);
      if (H5Aexists(object, own.c_str()) <= 0) break;
      const auto more = strings(object, own.c_str());
      result.insert(result.end(), more.begin(), more.end());
    }
    if (result.empty()) refuse(fmt::format("attribute {} is missing", attribute));
    return result;
  }

  std::string name_;
  Hdf5Handle file_;
  std::vector<Hdf5Handle> weights_;
  uint64_t total_ = 0;
};

bool write_text(int out, const json& value) {
  const std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  const uint64_t size = text.size();
  const std::string_view length(reinterpret_cast<const char*>(&size), sizeof size);
  return write_all(out, length) == length.size() && write_all(out, text) == text.size();
}

}  // namespace

int run_h5_child(const std::filesystem::path& path, int out) {
  bool described = false;
  try {
    Reader reader(path);
    const json description = reader.describe();
    described = true;
    if (write_text(out, description)) reader.write_numbers(out);
  } catch (const std::exception& error) {
    // Among numbers there is no room for a message: they end early.
    if (!described) write_text(out, {{"error", std::string(error.what()).substr(0, 4000)}});
    return 1;
  }
  return 0;
}

}  // namespace ringtrain::model_files::keras
