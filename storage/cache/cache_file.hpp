// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/file_descriptor.hpp"

namespace ringtrain::storage {

// A sparse file without a name: it goes with the last process that has it open. Throws data errors
// that name the key dataset_cache.folder.
class CacheFile {
 public:
  // folder: empty: TMPDIR, else /tmp.
  CacheFile(const std::filesystem::path& folder, uint64_t size);

  int descriptor() const { return file_.get(); }
  void write(std::string_view bytes, uint64_t offset);
  // Gives the bytes' space back to the disk; they read as zeros.
  void remove(uint64_t offset, uint64_t size);

 private:
  FileDescriptor file_;
  std::filesystem::path folder_;
};

}  // namespace ringtrain::storage
