// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/h5_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/writing/hdf5_process.hpp"
#include "model_files/keras/h5_child.hpp"

namespace ringtrain::model_files::keras {
namespace {

using nlohmann::json;

void require_hdf5(const std::filesystem::path& path) {
  const File file = File::open_for_reading(path);
  std::array<char, 8> magic{};
  if (file.size() >= magic.size()) file.read_at(magic.data(), magic.size(), 0);
  const std::string_view begin(magic.data(), magic.size());
  if (begin == "\x89HDF\r\n\x1a\n") return;
  throw data_error(fmt::format("{}: not an HDF5 file{}", path.string(),
                               begin.starts_with("PK\x03\x04")
                                   ? "; a .keras archive: model.save(\"model.h5\") writes one"
                                   : ""));
}

datasets::Hdf5Process start(const std::filesystem::path& path) {
  require_hdf5(path);
  return {path.string(), uint64_t{12} << 30, [&](int out) { return run_h5_child(path, out); }};
}

json description(datasets::Hdf5Process& process) {
  uint64_t size = 0;
  if (!process.read(&size, sizeof size) || size > kMostHeaderBytes) process.damaged();
  std::string text(size, '\0');
  if (!process.read(text.data(), text.size())) process.damaged();
  json result = json::parse(text, nullptr, false);
  if (!result.is_object()) process.damaged();
  if (result.contains("error") && result["error"].is_string()) {
    throw data_error(result["error"].get<std::string>());
  }
  return result;
}

}  // namespace

H5File read_h5(const std::filesystem::path& path) {
  datasets::Hdf5Process process = start(path);
  H5File file;
  uint64_t total = 0;
  try {
    const json described = description(process);
    file.model_config = described.at("model_config").get<std::string>();
    file.keras_version = described.at("keras_version").get<std::string>();
    file.backend = described.at("backend").get<std::string>();
    for (const json& layer : described.at("layers")) {
      H5Layer own{layer.at("name").get<std::string>(), {}};
      for (const json& weight : layer.at("weights")) {
        own.weights.push_back({weight.at("name").get<std::string>(),
                               weight.at("shape").get<std::vector<int64_t>>(),
                               {}});
      }
      file.layers.push_back(std::move(own));
    }
  } catch (const json::exception&) {
    process.damaged();
  }
  for (H5Layer& layer : file.layers) {
    for (H5Weight& weight : layer.weights) {
      uint64_t count = 1;
      for (const int64_t size : weight.shape) {
        if (size < 0 || __builtin_mul_overflow(count, static_cast<uint64_t>(size), &count)) {
          process.damaged();
        }
      }
      // The file may have taken over the child, so its messages are checked too.
      if (count > kMostNumbers - total) process.damaged();
      total += count;
      weight.numbers.resize(count);
      if (!process.read(weight.numbers.data(), count * sizeof(float))) process.damaged();
    }
  }
  if (!process.end().success()) process.damaged();
  return file;
}

}  // namespace ringtrain::model_files::keras
