// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/remote_files.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "launcher/commands/dataset/dataset_progress.hpp"
#include "storage/s3/s3_url.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

// Returns the last part of a URL's path.
std::string name_of(const std::string& url) {
  const std::string path = printable_url(url);
  std::string name = percent_decoded(path.substr(path.rfind('/') + 1));
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    throw job_error(fmt::format("{}: names no file: give the URL of one file or archive", path));
  }
  return name;
}

}  // namespace

const fs::path& RemoteFiles::folder() {
  if (!folder_) folder_.emplace("ringtrain-import.");
  return folder_->path();
}

std::string RemoteFiles::fetch(const std::string& source) {
  if (!is_url(source)) return without_file_scheme(source);
  const std::string name = name_of(source);
  const auto opened = storage_.open(source);
  const uint64_t free = fs::space(folder()).available;
  if (opened->size() > free) {
    throw io_error(fmt::format("{}: has {}, and {} has room for {}: set TMPDIR", opened->name(),
                               print_size(opened->size()), folder().parent_path().string(),
                               print_size(free)));
  }
  const fs::path own = folder() / std::to_string(++files_);
  fs::create_directory(own);
  DatasetProgress bar("downloading");
  storage_.download(*opened, own / name, bar.callback());
  return own / name;
}

void RemoteFiles::refuse_to_replace(const std::string& url, bool force) {
  name_of(url);
  if (!force && storage_.find(url) != nullptr) {
    throw job_error(url + ": exists already; --force replaces it");
  }
}

std::string RemoteFiles::path_for(const std::string& url) { return folder() / name_of(url); }

void RemoteFiles::send(const std::string& path, const std::string& url) {
  DatasetProgress bar("uploading");
  storage_.upload(path, url, bar.callback());
}

}  // namespace ringtrain::launcher
