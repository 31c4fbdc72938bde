// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace ringtrain::benchmarks {

// A folder that is removed with everything in it, and whose name begins with "ringtrain-bench.".
class TemporaryFolder {
 public:
  // Throws std::runtime_error if it cannot be made in `parent`.
  explicit TemporaryFolder(const std::filesystem::path& parent);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace ringtrain::benchmarks
