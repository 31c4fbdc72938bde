// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace ringtrain::datasets {

// A .zip archive of files that are stored as they are, each beginning at a multiple of 64 bytes, as
// PyTorch maps them. It appears whole or not at all.
class StoredZip {
 public:
  explicit StoredZip(const std::filesystem::path& path) : pending_(path) {}

  // Adds a file. Throws a data error where the archive becomes larger than 4 GiB.
  void add(const std::string& name, std::string_view bytes);
  void commit();

 private:
  struct Entry {
    std::string name;
    uint32_t crc32 = 0;
    uint32_t size = 0;
    uint32_t at = 0;
  };
  void write(std::string_view bytes);

  PendingFile pending_;
  std::vector<Entry> entries_;
  uint64_t at_ = 0;
};

}  // namespace ringtrain::datasets
