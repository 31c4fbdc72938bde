// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <tuple>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace ringtrain {
namespace {

std::string reason() { return std::generic_category().message(errno); }

[[noreturn]] void cannot_read(const std::filesystem::path& path, std::string_view doing) {
  throw data_error(fmt::format("{}: cannot {}: {}", path.string(), doing, reason()));
}

[[noreturn]] void cannot_write(const std::filesystem::path& path, std::string_view doing) {
  throw io_error(fmt::format("{}: cannot {}: {}", path.string(), doing, reason()));
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// Creates a file of a name that no other has, as public as the umask allows (mkostemp makes it
// private).
std::pair<std::filesystem::path, int> create_temporary(const std::filesystem::path& destination) {
  std::string name =
      (directory_of(destination) / fmt::format(".{}.XXXXXX", destination.filename().string()))
          .string();
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) cannot_write(destination, "create");
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(fd, 0666 & ~mask) != 0) {
    const int error = errno;
    ::close(fd);
    ::unlink(name.c_str());
    errno = error;
    cannot_write(destination, "set the mode");
  }
  return {name, fd};
}

}  // namespace

File File::open_for_reading(const std::filesystem::path& path) {
  File file(path, ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd_ < 0) cannot_read(path, "open");
  struct stat status = {};
  if (::fstat(file.fd_, &status) != 0) cannot_read(path, "read the size");
  if (!S_ISREG(status.st_mode)) {
    throw data_error(fmt::format("{}: not a regular file", path.string()));
  }
  return file;
}

File File::open_for_writing(const std::filesystem::path& path) {
  File file(path, ::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.fd_ < 0) cannot_write(path, "open for writing");
  return file;
}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      write_back_bytes_(other.write_back_bytes_),
      written_bytes_(other.written_bytes_.load()) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(write_back_bytes_, other.write_back_bytes_);
  written_bytes_ = other.written_bytes_.exchange(written_bytes_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

uint64_t File::size() const {
  struct stat status = {};
  if (::fstat(fd_, &status) != 0) cannot_read(path_, "read the size");
  return static_cast<uint64_t>(status.st_size);
}

void File::read_at(void* data, size_t size, uint64_t offset) const {
  auto* to = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = ::pread(fd_, to, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) cannot_read(path_, "read");
    if (n == 0) {
      throw data_error(fmt::format("{}: ends at byte {}, before the data it should hold",
                                   path_.string(), offset));
    }
    to += n;
    size -= static_cast<size_t>(n);
    offset += static_cast<uint64_t>(n);
  }
}

void File::write_at(const void* data, size_t size, uint64_t offset) {
  const auto* from = static_cast<const char*>(data);
  for (size_t left = size; left > 0;) {
    const ssize_t n = ::pwrite(fd_, from, left, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) cannot_write(path_, "write");
    from += n;
    left -= static_cast<size_t>(n);
    offset += static_cast<uint64_t>(n);
  }
  if (write_back_bytes_ == 0) return;
  const uint64_t before = written_bytes_.fetch_add(size, std::memory_order_relaxed);
  if (before / write_back_bytes_ != (before + size) / write_back_bytes_) {
    ::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE);
  }
}

void File::sync() const {
  if (::fsync(fd_) != 0) cannot_write(path_, "flush to disk");
}

Mapping::Mapping(const File& file) : size_(file.size()) {
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.fd(), 0);
  if (address == MAP_FAILED) cannot_read(file.path(), "map into memory");
  data_ = static_cast<const std::byte*>(address);
}

void Mapping::map_again(const File& file) {
  if (size_ == 0) return;
  void* address =
      ::mmap(const_cast<std::byte*>(data_), size_, PROT_READ, MAP_SHARED | MAP_FIXED, file.fd(), 0);
  if (address == MAP_FAILED) cannot_read(file.path(), "map into memory");
}

Mapping::~Mapping() {
  // munmap takes a pointer to non-const, though it writes nothing.
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

PendingFile::PendingFile(const std::filesystem::path& destination)
    : destination_(destination),
      file_(std::apply([](auto path, int fd) { return File(std::move(path), fd); },
                       create_temporary(destination))) {}

PendingFile::~PendingFile() {
  if (!committed_) ::unlink(path().c_str());
}

void PendingFile::commit() {
  file_.sync();
  if (::rename(path().c_str(), destination_.c_str()) != 0) cannot_write(destination_, "rename to");
  committed_ = true;
  sync_directory(directory_of(destination_));
}

std::string read_file(const std::filesystem::path& path, uint64_t max_bytes) {
  // Opened without waiting: a FIFO that nobody writes to reads as empty.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) cannot_read(path, "open");
  ::fcntl(file.get(), F_SETFL, 0);
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) cannot_read(path, "read the size");
  // The size is a guess: files of /proc have none, and a file may grow meanwhile.
  constexpr uint64_t kStep = 64 << 10;
  const auto guess = static_cast<uint64_t>(status.st_size) + 1;
  std::string bytes;
  size_t size = 0;
  for (;;) {
    if (size == bytes.size()) {
      bytes.resize(std::min(max_bytes + 1, size + (size == 0 ? std::max(guess, kStep) : kStep)));
    }
    const ssize_t n = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) cannot_read(path, "read");
    if (n == 0) break;
    size += static_cast<size_t>(n);
    if (size > max_bytes) {
      throw data_error(fmt::format("{}: larger than {} bytes", path.string(), max_bytes));
    }
  }
  bytes.resize(size);
  return bytes;
}

void write_file(const std::filesystem::path& destination, std::string_view bytes) {
  PendingFile pending(destination);
  pending.file().write_at(bytes.data(), bytes.size(), 0);
  pending.commit();
}

void sync_directory(const std::filesystem::path& directory) {
  const FileDescriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open()) cannot_write(directory, "open");
  // Some file systems cannot flush a directory and say so; a rename is as safe as it gets there.
  if (::fsync(descriptor.get()) != 0 && errno != EINVAL && errno != ENOTSUP) {
    cannot_write(directory, "flush to disk");
  }
}

}  // namespace ringtrain
