// SPDX-License-Identifier: Apache-2.0
// Files by descriptor, with every call checked and errors that name the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

namespace ringtrain {

// An open file, closed by the destructor. Its reads and writes are at an offset, so threads may
// share it.
class File {
 public:
  File() = default;
  // Regular files only. Throws a data error.
  static File open_for_reading(const std::filesystem::path& path);
  static File open_for_writing(const std::filesystem::path& path);
  File(File&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  int fd() const { return fd_; }
  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const;
  // All `size` bytes or a data error.
  void read_at(void* data, size_t size, uint64_t offset) const;
  void write_at(const void* data, size_t size, uint64_t offset) const;
  void sync() const;  // to the disk
  // Lets the disk begin with what was written, so that sync() finds less to do. A hint: file
  // systems that cannot do it do nothing.
  void start_sync() const;

 private:
  File(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::filesystem::path path_;
  int fd_ = -1;
};

// A whole file in memory, read-only; shared with every process that maps it.
class Mapping {
 public:
  explicit Mapping(const File& file);
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) = delete;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();
  // The same again at the same address, with no page present. Threads may read it meanwhile. Throws
  // a data error.
  void map_again(const File& file);
  const std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }

 private:
  const std::byte* data_ = nullptr;
  uint64_t size_ = 0;
};

// A new file under a temporary name in the directory of `destination`. commit() makes it appear
// there whole, and safe on disk; without it the destructor removes it. An existing destination is
// replaced by commit().
class PendingFile {
 public:
  explicit PendingFile(const std::filesystem::path& destination);
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  ~PendingFile();
  const std::filesystem::path& path() const { return temporary_; }
  const std::filesystem::path& destination() const { return destination_; }
  void commit();

 private:
  std::filesystem::path destination_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

// A small file, by a PendingFile. Throws a data error.
void write_whole(const std::filesystem::path& destination, std::string_view bytes);

}  // namespace ringtrain
