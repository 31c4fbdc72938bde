// SPDX-License-Identifier: Apache-2.0
// Something to read by ranges: a file, an object of S3, a file of a web server, or one of these
// through the cache of this host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace ringtrain::storage {

// Thread: any thread may read.
class Source {
 public:
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // Path or URL, for messages.
  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }  // bytes
  // The version that is read, as its server names it; empty for a file.
  const std::string& etag() const { return etag_; }
  // Reads all `size` bytes or throws a data error that names the source: also if the object has
  // changed since it was opened.
  virtual void read_at(void* data, size_t size, uint64_t offset) const = 0;

 protected:
  Source(std::string name, uint64_t size, std::string etag)
      : name_(std::move(name)), size_(size), etag_(std::move(etag)) {}

 private:
  std::string name_;
  uint64_t size_;
  std::string etag_;
};

// Throws a data error.
std::unique_ptr<Source> open_file(const std::filesystem::path& path);

}  // namespace ringtrain::storage
