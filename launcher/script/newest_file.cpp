// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/newest_file.hpp"

#include <glob.h>

#include <system_error>

namespace ringtrain::launcher {

namespace fs = std::filesystem;

void NewestFile::watch(const std::string& pattern) {
  if (!pattern.empty()) patterns_.push_back(pattern);
  is_newer();
}

bool NewestFile::is_newer() {
  glob_t found{};
  for (const std::string& pattern : patterns_) {
    ::glob(pattern.c_str(), &pattern == patterns_.data() ? 0 : GLOB_APPEND, nullptr, &found);
  }
  std::optional<fs::file_time_type> newest;
  for (size_t i = 0; i < found.gl_pathc; ++i) {
    std::error_code error;
    const auto time = fs::last_write_time(found.gl_pathv[i], error);
    if (!error && (!newest || time > *newest)) newest = time;
  }
  ::globfree(&found);
  const bool newer = newest && (!newest_ || *newest > *newest_);
  if (newer) newest_ = newest;
  return newer;
}

}  // namespace ringtrain::launcher
