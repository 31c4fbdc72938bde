// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/load_pretrained.hpp"

#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/url.hpp"
#include "runtime/models/model_files.hpp"
#include "storage/cache/local_copy.hpp"

namespace ringtrain {
namespace {

constexpr size_t kNamesShown = 8;  // in a line

std::string shape_of(const at::Tensor& tensor) {
  return fmt::format("[{}]", fmt::join(tensor.sizes().begin(), tensor.sizes().end(), ", "));
}

std::string listed(const std::vector<std::string>& names) {
  const auto shown = std::min(names.size(), kNamesShown);
  std::string text = fmt::format(
      "{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

std::string layer_of(const std::string& tensor) { return tensor.substr(0, tensor.rfind('.')); }

void add_layer(const std::string& tensor, std::vector<std::string>& layers) {
  const std::string layer = layer_of(tensor);
  if (std::find(layers.begin(), layers.end(), layer) == layers.end()) layers.push_back(layer);
}

// The layers of a model of Keras, which model_files/keras has converted, have names of Keras' own.
// Where none of them is one of the model's, its layers are those of the model in their order.
// Returns the model's names by those of the file; none for other files.
std::map<std::string, std::string> names_by_order(const Safetensors& file,
                                                  const std::vector<NamedTensor>& wanted) {
  const auto described = file.metadata.find("keras");
  if (described == file.metadata.end()) return {};
  const auto json = nlohmann::json::parse(described->second, nullptr, false);
  if (!json.is_object() || !json.contains("tensors") || !json["tensors"].is_array()) return {};
  std::vector<std::string> theirs;
  for (const auto& name : json["tensors"]) {
    if (name.is_string()) add_layer(name.get<std::string>(), theirs);
  }
  std::vector<std::string> own;
  for (const NamedTensor& named : wanted) add_layer(named.name, own);
  const bool named = std::any_of(theirs.begin(), theirs.end(), [&](const std::string& layer) {
    return std::find(own.begin(), own.end(), layer) != own.end();
  });
  if (named || theirs.size() != own.size()) return {};
  std::map<std::string, std::string> names;
  for (size_t i = 0; i < own.size(); ++i) names.emplace(theirs[i], own[i]);
  return names;
}

Safetensors read_pretrained(const std::filesystem::path& file, const storage::CacheOptions& cache) {
  std::optional<storage::LocalCopy> copy;
  if (is_url(file)) copy.emplace(file.string(), cache);
  return read_safetensors(copy ? copy->path() : file);
}

}  // namespace

void load_pretrained(const std::filesystem::path& file, const Model& model,
                     const std::function<void(const std::string&)>& log,
                     const std::function<void(const std::string&)>& warn,
                     const storage::CacheOptions& cache) {
  const at::NoGradGuard no_grad;
  auto wanted = model.parameters();
  for (auto& buffer : model.buffers()) wanted.push_back(std::move(buffer));
  const Safetensors read = read_pretrained(file, cache);
  const auto renamed = names_by_order(read, wanted);
  std::map<std::string, at::Tensor> in_file;
  for (const auto& [name, tensor] : read.tensors) {
    const auto found = renamed.find(layer_of(name));
    in_file.emplace(found == renamed.end() ? name : found->second + name.substr(name.rfind('.')),
                    tensor);
  }
  std::vector<std::string> missing, misshapen, unknown;
  size_t loaded = 0;
  for (auto& [name, tensor] : wanted) {
    const auto found = in_file.find(name);
    if (found == in_file.end()) {
      missing.push_back(fmt::format("{} {}", name, shape_of(tensor)));
      continue;
    }
    if (found->second.sizes() == tensor.sizes()) {
      tensor.detach().copy_(found->second);
      ++loaded;
    } else {
      misshapen.push_back(
          fmt::format("{} {}, in the file {}", name, shape_of(tensor), shape_of(found->second)));
    }
    in_file.erase(found);
  }
  for (const auto& [name, tensor] : in_file) {
    unknown.push_back(fmt::format("{} {}", name, shape_of(tensor)));
  }

  const std::string here = fmt::format("initialize_from: {}: ", printable_url(file.string()));
  if (loaded == 0) {
    throw job_error(fmt::format(
        "{}none of its {} tensors fits the model's {} by name and shape; it has {}, the model {}",
        here, in_file.size() + misshapen.size(), wanted.size(),
        unknown.empty() ? "nothing else" : listed(unknown),
        missing.empty() ? listed(misshapen) : listed(missing)));
  }
  log(fmt::format("{}{} of the model's {} tensors loaded", here, loaded, wanted.size()));
  if (!misshapen.empty()) {
    warn(fmt::format("{}other shapes, left at their initial values: {}", here, listed(misshapen)));
  }
  if (!missing.empty()) {
    warn(fmt::format("{}not in the file, left at their initial values: {}", here, listed(missing)));
  }
  if (!unknown.empty()) {
    warn(fmt::format("{}in the file, but not in the model: {}", here, listed(unknown)));
  }
}

}  // namespace ringtrain
