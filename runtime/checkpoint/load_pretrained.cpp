// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/load_pretrained.hpp"

#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
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

std::map<std::string, at::Tensor> tensors_of(const std::filesystem::path& file,
                                             const storage::CacheOptions& cache) {
  std::optional<storage::LocalCopy> copy;
  if (is_url(file)) copy.emplace(file.string(), cache);
  std::map<std::string, at::Tensor> tensors;
  for (auto& [name, tensor] : read_safetensors(copy ? copy->path() : file).tensors) {
    tensors.emplace(name, tensor);
  }
  return tensors;
}

}  // namespace

void load_pretrained(const std::filesystem::path& file, const Model& model,
                     const std::function<void(const std::string&)>& log,
                     const std::function<void(const std::string&)>& warn,
                     const storage::CacheOptions& cache) {
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> in_file = tensors_of(file, cache);

  auto wanted = model.parameters();
  for (auto& buffer : model.buffers()) wanted.push_back(std::move(buffer));
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
