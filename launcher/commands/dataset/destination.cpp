// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/destination.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

bool lies_in(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

bool is_hdf5(const fs::path& path) {
  const File file = File::open_for_reading(path);
  std::string begin(std::min<uint64_t>(file.size(), 8), '\0');
  file.read_at(begin.data(), begin.size(), 0);
  return begin == "\x89HDF\r\n\x1a\n";
}

}  // namespace

void refuse_to_replace(const fs::path& file, bool force) {
  std::error_code ignored;  // creating the file reports what is wrong
  const fs::path normal = fs::absolute(file, ignored).lexically_normal();
  if (!force && (fs::exists(fs::symlink_status(file, ignored)) ||
                 fs::exists(fs::symlink_status(normal, ignored)))) {
    throw job_error(file.string() + ": exists already; --force replaces it");
  }
}

void refuse_own_source(const std::string& file, const std::vector<std::string>& sources) {
  std::error_code none;
  // Writing makes missing folders, so a/../t.csv may become t.csv.
  const fs::path output =
      fs::exists(file, none) ? fs::path(file) : fs::absolute(file, none).lexically_normal();
  if (!fs::is_regular_file(output, none)) return;
  for (const std::string& source : sources) {
    if (fs::equivalent(output, source, none)) {
      throw job_error(file + ": is read by this import: name another file for the dataset");
    }
    if (fs::is_directory(source, none) &&
        lies_in(fs::weakly_canonical(output, none), fs::weakly_canonical(source, none)) &&
        !is_hdf5(output)) {
      throw job_error(
          fmt::format("{}: is a file of {}, which this import reads: name another file "
                      "for the dataset",
                      file, source));
    }
  }
}

void check_folder(const std::string& file, bool parents) {
  std::error_code ignored;  // creating the file reports what is wrong
  const fs::path output = fs::absolute(file, ignored).lexically_normal();
  if (fs::is_directory(output, ignored)) {
    throw job_error(file + ": is a folder; name a file in it");
  }
  const fs::path folder = output.parent_path();
  if (!parents && !lies_in(folder, fs::current_path(ignored)) && !fs::exists(folder, ignored)) {
    throw job_error(
        fmt::format("{}: there is no folder {}; --parents makes it", file, folder.string()));
  }
}

}  // namespace ringtrain::launcher
