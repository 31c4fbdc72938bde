// SPDX-License-Identifier: Apache-2.0
// safetensors files: https://github.com/huggingface/safetensors, "Format". The length of a JSON
// header as a little-endian u64, the header, the tensors' bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace ringtrain::model_files {

enum class Dtype { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

// Returns the format's name: "F32".
std::string_view name_of(Dtype dtype);
// Returns the bytes of an element.
size_t size_of(Dtype dtype);

struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
};

struct StoredTensor {
  TensorInfo info;
  uint64_t at = 0;     // bytes from the file's start
  uint64_t bytes = 0;  // the product of shape and size_of(dtype)
};

using Metadata = std::map<std::string, std::string>;  // the header's __metadata__

// An open file, which may hold anything: the constructor checks names, types, shapes and offsets
// against each other and against the file's size. The tensors are read one by one.
// Thread: any number of threads may read from an object.
class SafetensorsReader {
 public:
  // Throws a data error.
  explicit SafetensorsReader(const std::filesystem::path& path);

  // Tensors in the order of their data in the file.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  const Metadata& metadata() const { return metadata_; }

  // Reads a tensor of this file. Requires: `to` has tensor.bytes bytes. Throws a data error.
  void read(const StoredTensor& tensor, std::span<std::byte> to) const;

 private:
  void read_header();

  File file_;
  std::vector<StoredTensor> tensors_;
  Metadata metadata_;
};

// A new file, which appears whole or not at all: written beside the destination under a temporary
// name, flushed to disk, renamed. The same tensors and metadata give the same bytes, in whatever
// order they come: wider element types first, which aligns every tensor, then by name.
class SafetensorsWriter {
 public:
  // Writes the header. Throws an io error where the file cannot be written, a job error where two
  // tensors have the same name, or a name or the metadata is not UTF-8.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorInfo> tensors,
                    const Metadata& metadata);

  // Indices of the constructor's tensors in the order of their data in the file, which is the
  // fastest order to write.
  const std::vector<size_t>& order() const { return order_; }

  // Writes a tensor. Requires: `bytes` has the size that shape and dtype give.
  void write(size_t index, std::span<const std::byte> bytes);

  // Requires: every tensor has been written.
  void commit();

 private:
  std::vector<StoredTensor> tensors_;
  std::vector<size_t> order_;
  std::vector<bool> written_;
  std::string header_;
  PendingFile pending_;
};

}  // namespace ringtrain::model_files
