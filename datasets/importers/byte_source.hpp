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
  // Up to `size` bytes; fewer only at the end. Throws a data error.
  virtual size_t read(void* data, size_t size) = 0;
  // No more bytes than this can come, known before reading any.
  virtual uint64_t most_bytes() const = 0;
  // For messages: the file's name.
  const std::string& name() const { return name_; }

  // All `size` bytes or a data error that says where the source ended.
  void read_exactly(void* data, size_t size);

 protected:
  explicit ByteSource(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_;
  uint64_t position_ = 0;
};

// Looks at the first bytes to tell a gzipped file from a plain one.
std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path);
// `bytes` must outlive the source.
std::unique_ptr<ByteSource> memory_source(std::string name, std::string_view bytes);

}  // namespace ringtrain::datasets
