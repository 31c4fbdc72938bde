// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/byte_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"

namespace ringtrain::datasets {
namespace {

// The best ratio that deflate reaches (zlib's technical notes), so a header's promise can be
// checked before anything is unpacked.
constexpr uint64_t kMaxDeflateRatio = 1032;

class PlainSource : public ByteSource {
 public:
  explicit PlainSource(File file) : ByteSource(file.path().string()), file_(std::move(file)) {
    ::posix_fadvise(file_.fd(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  size_t read(void* data, size_t size) override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n = ::read(file_.fd(), static_cast<char*>(data) + done, size - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        throw data_error(
            fmt::format("{}: cannot read: {}", name(), std::generic_category().message(errno)));
      }
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }
  uint64_t most_bytes() const override { return file_.size(); }

 private:
  File file_;
};

class GzipSource : public ByteSource {
 public:
  explicit GzipSource(const File& file) : ByteSource(file.path().string()), packed_(file.size()) {
    const int fd = ::fcntl(file.fd(), F_DUPFD_CLOEXEC, 0);
    gz_ = fd < 0 ? nullptr : ::gzdopen(fd, "rb");
    if (gz_ == nullptr) {
      if (fd >= 0) ::close(fd);
      throw data_error(fmt::format("{}: cannot be unpacked: out of memory or files", name()));
    }
    ::gzbuffer(gz_, 1U << 17);
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  ~GzipSource() override { ::gzclose_r(gz_); }

  size_t read(void* data, size_t size) override {
    size_t done = 0;
    while (done < size) {
      const auto step = static_cast<unsigned>(std::min<size_t>(size - done, 1U << 30));
      const int n = ::gzread(gz_, static_cast<char*>(data) + done, step);
      if (n < 0 || (n == 0 && !at_clean_end())) {
        int code = 0;
        const char* reason = ::gzerror(gz_, &code);
        throw data_error(
            fmt::format("{}: damaged gzip file: {}", name(),
                        reason != nullptr && *reason != 0 ? reason : "it ends too early"));
      }
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }
  uint64_t most_bytes() const override { return (packed_ + 64) * kMaxDeflateRatio; }

 private:
  bool at_clean_end() {
    int code = 0;
    ::gzerror(gz_, &code);
    return code == Z_OK;
  }
  uint64_t packed_;
  gzFile gz_ = nullptr;
};

class MemorySource : public ByteSource {
 public:
  MemorySource(std::string name, std::string_view bytes)
      : ByteSource(std::move(name)), bytes_(bytes), size_(bytes.size()) {}
  size_t read(void* data, size_t size) override {
    const size_t n = std::min(size, bytes_.size());
    if (n > 0) std::memcpy(data, bytes_.data(), n);
    bytes_.remove_prefix(n);
    return n;
  }
  uint64_t most_bytes() const override { return size_; }

 private:
  std::string_view bytes_;
  uint64_t size_;
};

}  // namespace

void ByteSource::read_exactly(void* data, size_t size) {
  const size_t n = read(data, size);
  position_ += n;
  if (n < size) {
    throw data_error(
        fmt::format("{}: ends after {} bytes, before what its header promises", name_, position_));
  }
}

std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path) {
  File file = File::open_for_reading(path);
  unsigned char magic[2] = {0, 0};
  if (file.size() >= 2) file.read_at(magic, 2, 0);
  if (magic[0] == 0x1f && magic[1] == 0x8b) return std::make_unique<GzipSource>(file);
  return std::make_unique<PlainSource>(std::move(file));
}

std::unique_ptr<ByteSource> memory_source(std::string name, std::string_view bytes) {
  return std::make_unique<MemorySource>(std::move(name), bytes);
}

}  // namespace ringtrain::datasets
