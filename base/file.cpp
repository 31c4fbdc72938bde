// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/error.hpp"

namespace ringtrain {
namespace {

std::string reason() { return std::generic_category().message(errno); }

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view doing) {
  throw data_error(fmt::format("{}: cannot {}: {}", path.string(), doing, reason()));
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

File File::open_for_reading(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO or a device at this path must not hang the program.
  File file(path, ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd_ < 0) fail(path, "open");
  struct stat status = {};
  if (::fstat(file.fd_, &status) != 0) fail(path, "read the size");
  if (!S_ISREG(status.st_mode)) {
    throw data_error(fmt::format("{}: not a regular file", path.string()));
  }
  return file;
}

File File::open_for_writing(const std::filesystem::path& path) {
  File file(path, ::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.fd_ < 0) fail(path, "open for writing");
  return file;
}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

uint64_t File::size() const {
  struct stat status = {};
  if (::fstat(fd_, &status) != 0) fail(path_, "read the size");
  return static_cast<uint64_t>(status.st_size);
}

void File::read_at(void* data, size_t size, uint64_t offset) const {
  auto* to = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = ::pread(fd_, to, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path_, "read");
    if (n == 0) {
      throw data_error(fmt::format("{}: ends at byte {}, before the data it should hold",
                                   path_.string(), offset));
    }
    to += n;
    size -= static_cast<size_t>(n);
    offset += static_cast<uint64_t>(n);
  }
}

void File::write_at(const void* data, size_t size, uint64_t offset) const {
  const auto* from = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::pwrite(fd_, from, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path_, "write");
    from += n;
    size -= static_cast<size_t>(n);
    offset += static_cast<uint64_t>(n);
  }
}

void File::start_sync() const { ::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE); }

void File::sync() const {
  if (::fsync(fd_) != 0) fail(path_, "flush to disk");
}

Mapping::Mapping(const File& file) : size_(file.size()) {
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.fd(), 0);
  if (address == MAP_FAILED) fail(file.path(), "map into memory");
  data_ = static_cast<const std::byte*>(address);
}

void Mapping::map_again(const File& file) {
  if (size_ == 0) return;
  void* address =
      ::mmap(const_cast<std::byte*>(data_), size_, PROT_READ, MAP_SHARED | MAP_FIXED, file.fd(), 0);
  if (address == MAP_FAILED) fail(file.path(), "map into memory");
}

Mapping::~Mapping() {
  // munmap takes a pointer to non-const, though it writes nothing.
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

PendingFile::PendingFile(const std::filesystem::path& destination) : destination_(destination) {
  std::string name =
      (directory_of(destination) / fmt::format(".{}.XXXXXX", destination.filename().string()))
          .string();
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) fail(destination, "create");
  temporary_ = name;
  // mkostemp makes it private; a dataset is as public as the umask allows.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  const bool mode_set = ::fchmod(fd, 0666 & ~mask) == 0;
  ::close(fd);
  if (!mode_set) {
    ::unlink(temporary_.c_str());
    fail(destination, "set the mode");
  }
}

PendingFile::~PendingFile() {
  if (!committed_) ::unlink(temporary_.c_str());
}

void PendingFile::commit() {
  File::open_for_writing(temporary_).sync();
  if (::rename(temporary_.c_str(), destination_.c_str()) != 0) fail(destination_, "rename to");
  committed_ = true;
  const std::filesystem::path directory = directory_of(destination_);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail(directory, "open");
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  errno = error;
  // Some file systems cannot flush a directory and say so; the rename is as safe as it gets there.
  if (error != 0 && error != EINVAL && error != ENOTSUP) fail(directory, "flush to disk");
}

void write_whole(const std::filesystem::path& destination, std::string_view bytes) {
  PendingFile pending(destination);
  File::open_for_writing(pending.path()).write_at(bytes.data(), bytes.size(), 0);
  pending.commit();
}

}  // namespace ringtrain
