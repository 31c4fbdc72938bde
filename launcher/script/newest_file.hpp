// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// Remembers the newest file of some patterns. Asked again, says whether there is a newer one.
class NewestFile {
 public:
  // Adds a pattern as glob(3) has them; an empty one is none. Files that are there count as old.
  void watch(const std::string& pattern);
  bool is_newer();

 private:
  std::vector<std::string> patterns_;
  std::optional<std::filesystem::file_time_type> newest_;
};

}  // namespace ringtrain::launcher
