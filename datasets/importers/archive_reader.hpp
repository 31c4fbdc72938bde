// SPDX-License-Identifier: Apache-2.0
// An archive (.zip, .tar, .tar.gz), read entry by entry without unpacking anything to disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct archive;
struct archive_entry;

namespace ringtrain::datasets {

struct ArchiveLimits {
  uint64_t max_entries = 20'000'000;
  uint64_t max_file_bytes = uint64_t{256} << 20;
};

// Throws a data error that names the archive for what is suspect: paths that are absolute or
// contain "..", links, encrypted entries, entries of more than max_file_bytes, more than
// max_entries of them, and archives that are damaged or unpack to more than a thousand times their
// size.
class ArchiveReader {
 public:
  ArchiveReader(std::string name, const ArchiveLimits& limits);

  void open_file(const std::filesystem::path& path);
  // Requires: the bytes outlive the reader.
  void open_memory(std::string_view bytes);

  // Goes to the next regular file, and calls on_folder(path) on its way. Returns false at the end.
  bool next(const std::function<void(const std::string& path)>& on_folder);
  const std::string& path() const { return path_; }
  // The number of the entry, from 0.
  uint64_t number() const { return entries_ - 1; }

  // Returns a bound of the file's bytes, known before any is read.
  uint64_t most_bytes() const;
  // Unpacks the bytes of the file.
  void take(std::string& bytes);
  // Unpacks the next bytes of the file, up to `size`; fewer only at its end.
  size_t read(void* data, size_t size);

 private:
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void refuse_entry(std::string_view why) const;
  std::string reason() const;
  std::string entry_name() const;
  void check_open(int result) const;
  void check_size(uint64_t size) const;
  void spend(uint64_t bytes);
  bool is_file();

  std::string name_;
  ArchiveLimits limits_;
  std::unique_ptr<archive, int (*)(archive*)> reader_;
  uint64_t budget_ = 0;  // bytes that may still be unpacked
  archive_entry* entry_ = nullptr;
  uint64_t entries_ = 0;
  std::string path_;
};

}  // namespace ringtrain::datasets
