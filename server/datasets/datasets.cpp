// SPDX-License-Identifier: Apache-2.0
#include "server/datasets/datasets.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "server/jobs/submission.hpp"
#include "server/problem.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

fs::path find_stored_dataset(const fs::path& datasets, const std::string& name) {
  std::error_code ignored;
  if (datasets.empty() || !is_job_name(name)) return {};
  const fs::path folder = datasets / name;
  const bool is_there = fs::exists(folder / "dataset.json", ignored);
  return is_there ? folder / "data.h5" : fs::path();
}

Datasets::Datasets(fs::path folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  std::error_code error;
  std::vector<fs::path> going;  // an earlier server did not see the end of it
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.path().filename().string().starts_with(".gone.")) going.push_back(entry.path());
  }
  for (const fs::path& path : going) fs::remove_all(path, error);
}

// Reads the folders again where one has come or gone, also by other hands.
void Datasets::refresh() {
  std::error_code error;
  const auto changed = fs::last_write_time(folder_, error);
  if (!error && changed == read_at_) return;
  known_.clear();
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (find_stored_dataset(folder_, name).empty()) continue;
    try {
      auto json = ordered_json::parse(read_file(entry.path() / "dataset.json"));
      if (!json.is_object()) continue;
      json["name"] = name;  // a folder may be renamed
      known_[name] = std::move(json);
    } catch (const std::exception& broken) {
      log_warning(fmt::format("{}: {}", entry.path().string(), broken.what()));
    }
  }
  read_at_ = changed;
}

bool Datasets::exists(const std::string& name) const {
  return !find_stored_dataset(folder_, name).empty();
}

fs::path Datasets::folder(const std::string& name) const {
  if (!exists(name)) {
    throw Problem(404, "there is no such dataset: GET /api/v1/datasets lists all");
  }
  return folder_ / name;
}

ordered_json Datasets::get(const std::string& name) {
  folder(name);
  refresh();
  const auto found = known_.find(name);
  if (found == known_.end()) {
    throw Problem(409, fmt::format("'{}': its dataset.json cannot be read: delete the dataset, and "
                                   "import it again",
                                   name));
  }
  return found->second;
}

std::vector<ordered_json> Datasets::list() {
  refresh();
  std::vector<ordered_json> all;
  for (const auto& [name, json] : known_) all.push_back(json);
  return all;
}

void Datasets::adopt(const fs::path& complete, const std::string& name) {
  sync_directory(complete);
  if (std::rename(complete.c_str(), (folder_ / name).c_str()) != 0) {
    if (errno == ENOTEMPTY || errno == EEXIST) {
      throw Problem(409, fmt::format("there is a dataset '{}' already", name), {},
                    "/api/v1/datasets/" + name);
    }
    throw io_error(fmt::format("{}: {}", (folder_ / name).string(), std::strerror(errno)));
  }
  sync_directory(folder_);
  read_at_ = fs::file_time_type::min();
}

void Datasets::remove(const std::string& name) {
  const fs::path gone = folder_ / (".gone." + random_id());
  fs::rename(folder(name), gone);
  std::error_code ignored;
  fs::remove_all(gone, ignored);
  read_at_ = fs::file_time_type::min();
}

}  // namespace ringtrain::server
