// SPDX-License-Identifier: Apache-2.0
#include "serving/remote_model.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "base/url.hpp"
#include "serving/evaluation_file.hpp"
#include "storage/storage.hpp"

namespace ringtrain::serving {
namespace {

namespace fs = std::filesystem;

fs::path temporary_folder() {
  std::string name = (fs::temp_directory_path() / "ringtrain-serve.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw io_error(fmt::format("{}: cannot make a folder: {}: set TMPDIR", name,
                               std::generic_category().message(errno)));
  }
  return name;
}

bool is_model_file(const std::string& url) {
  return url.ends_with(".pt") || url.ends_with(".safetensors");
}

}  // namespace

RemoteModel::RemoteModel(const std::string& url) : folder_(temporary_folder()) {
  try {
    download(url);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    throw;
  }
}

RemoteModel::~RemoteModel() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void RemoteModel::download(const std::string& url) {
  storage::Storage storage;
  const bool is_file = is_model_file(url);
  const bool in_bucket = url.starts_with("s3://");
  if (!is_file && !in_bucket) {
    throw data_error(
        fmt::format("{}: expected the URL of a .pt or .safetensors file, or s3://BUCKET/FOLDER",
                    printable_url(url)));
  }
  place_ = is_file ? url.substr(0, url.rfind('/')) : url;
  while (place_.ends_with('/')) place_.pop_back();
  const std::vector<std::string> names =
      is_file ? std::vector{url.substr(url.rfind('/') + 1)}
              : std::vector<std::string>{"model.pt", "model.safetensors"};
  for (const std::string& name : names) {
    const std::string from = place_ + "/" + name;
    const auto found = in_bucket ? storage.find(from) : storage.open(from);
    if (found == nullptr) continue;
    file_ = folder_ / name;
    storage.download(*found, file_);
    break;
  }
  if (file_.empty()) {
    throw data_error(fmt::format("{}: there is no {}: name the output of a job that has ended", url,
                                 names.front()));
  }
  if (!in_bucket) return;
  if (const auto evaluation = storage.find(place_ + "/" + kEvaluationFile)) {
    storage.download(*evaluation, folder_ / kEvaluationFile);
  }
}

std::string RemoteModel::with_url(std::string message) const {
  const std::string copy = folder_.string();
  for (size_t at = 0; (at = message.find(copy, at)) != std::string::npos; at += place_.size()) {
    message.replace(at, copy.size(), place_);
  }
  return message;
}

}  // namespace ringtrain::serving
