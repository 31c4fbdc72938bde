// SPDX-License-Identifier: Apache-2.0
// A stream of bytes to import from: a file, plain or gzipped, or memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace ringtrain::datasets {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Reads up to `size` bytes; fewer only at the end. Throws a data error.
  virtual size_t read(void* data, size_t size) = 0;
  // Returns a bound of the bytes to come, known before any is read.
  virtual uint64_t most_bytes() const = 0;
  // Returns the file's name, for messages.
  const std::string& name() const { return name_; }

  // Reads all `size` bytes or throws a data error that says where the source ended.
  void read_exactly(void* data, size_t size);

 protected:
  explicit ByteSource(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_;
  uint64_t position_ = 0;
};

// Opens a file, plain or gzipped by its first bytes. Throws a data error.
std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path);
// Requires: `bytes` outlive the source.
std::unique_ptr<ByteSource> memory_source(std::string name, std::string_view bytes);

}  // namespace ringtrain::datasets
