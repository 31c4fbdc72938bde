// SPDX-License-Identifier: Apache-2.0
#include "serving/bucket_model.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#include "base/error.hpp"
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

}  // namespace

BucketModel::BucketModel(const std::string& url) {
  storage::Storage storage;
  const bool is_file = url.ends_with(".pt") || url.ends_with(".safetensors");
  std::string place = is_file ? url.substr(0, url.rfind('/')) : url;
  while (place.ends_with('/')) place.pop_back();
  const std::vector<std::string> names =
      is_file ? std::vector{url.substr(url.rfind('/') + 1)}
              : std::vector<std::string>{"model.pt", "model.safetensors"};
  std::unique_ptr<storage::Source> found;
  std::string name;
  for (const std::string& one : names) {
    if (found == nullptr && (found = storage.find(place + "/" + one)) != nullptr) name = one;
  }
  if (found == nullptr) {
    throw data_error(fmt::format("{}: there is no {}: name the output of a job that has ended", url,
                                 names.front()));
  }
  folder_ = temporary_folder();
  try {
    storage.download(*found, folder_ / name);
    if (const auto evaluation = storage.find(place + "/" + kEvaluationFile)) {
      storage.download(*evaluation, folder_ / kEvaluationFile);
    }
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    throw;
  }
  model_ = folder_ / name;
}

BucketModel::~BucketModel() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace ringtrain::serving
