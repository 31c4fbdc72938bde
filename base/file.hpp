// SPDX-License-Identifier: Apache-2.0
// Files by descriptor, with every call checked and errors that name the file: data errors where a
// file cannot be read, io errors where one cannot be written.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace ringtrain {

// An open file, closed by the destructor.
// Thread: reads and writes are at an offset, so threads may share an object.
class File {
 public:
  // Requires: a regular file; a FIFO or a device is refused without waiting for it.
  static File open_for_reading(const std::filesystem::path& path);
  static File open_for_writing(const std::filesystem::path& path);
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  int fd() const { return fd_; }
  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const;
  // Reads all `size` bytes or throws.
  void read_at(void* data, size_t size, uint64_t offset) const;
  void write_at(const void* data, size_t size, uint64_t offset);
  // Lets the disk start on what was written whenever another `bytes` bytes are, so that sync()
  // finds less to do. Off (0) at first. Only a hint to the file system.
  void write_back_every(uint64_t bytes) { write_back_bytes_ = bytes; }
  // Flushes the file to the disk.
  void sync() const;

 private:
  friend class PendingFile;
  File(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::filesystem::path path_;
  int fd_ = -1;
  uint64_t write_back_bytes_ = 0;
  std::atomic<uint64_t> written_bytes_ = 0;
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
  // Maps the file again at the same address, with no page present.
  // Thread: others may read the mapping meanwhile.
  void map_again(const File& file);
  const std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }

 private:
  const std::byte* data_ = nullptr;
  uint64_t size_ = 0;
};

// A new file under a temporary name in the directory of `destination`. commit() makes it appear
// there whole and safe on disk, in place of what is there; without it the destructor removes it.
class PendingFile {
 public:
  explicit PendingFile(const std::filesystem::path& destination);
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  ~PendingFile();
  // The file, open for reading and writing.
  File& file() { return file_; }
  // The temporary name, for libraries that open files themselves.
  const std::filesystem::path& path() const { return file_.path(); }
  const std::filesystem::path& destination() const { return destination_; }
  void commit();

 private:
  std::filesystem::path destination_;
  File file_;
  bool committed_ = false;
};

inline constexpr uint64_t kSmallFileBytes = uint64_t{4} << 20;

// Reads a whole file, also one of /proc or a pipe, of at most `max_bytes`.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = kSmallFileBytes);

// Writes a whole file as a PendingFile does: it appears whole or not at all.
void write_file(const std::filesystem::path& destination, std::string_view bytes);

// Flushes a directory to the disk: the names in it are then safe.
void sync_directory(const std::filesystem::path& directory);

}  // namespace ringtrain
