// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

namespace ringtrain {

// A new folder, for its owner alone (0700). The destructor removes it with all that is in it.
class TemporaryFolder {
 public:
  // name: the folder's begins with it. Throws an io error.
  TemporaryFolder(const std::filesystem::path& parent, std::string_view name);
  // In $TMPDIR or /tmp.
  explicit TemporaryFolder(std::string_view name);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Leaves the folder, which may have another name by now, to the caller.
  void keep() { is_kept_ = true; }

 private:
  std::filesystem::path path_;
  bool is_kept_ = false;
};

}  // namespace ringtrain
