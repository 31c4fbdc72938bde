// SPDX-License-Identifier: Apache-2.0
// Weights as torch.save writes a state_dict: a zip archive, not compressed, of a pickle
// (protocol 2) that names the tensors, and a file with the bytes of each. torch.load opens it with
// its default, weights_only=True: the pickle has nothing but an OrderedDict of tensors. Formats:
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, pytorch's torch/serialization.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "model_files/safetensors.hpp"

namespace ringtrain::model_files {

// A new file, which appears whole or not at all, as SafetensorsWriter's does. The same tensors give
// the same bytes. The state_dict has the constructor's order.
class StateDictWriter {
 public:
  // Throws an io error where the file cannot be written, a job error where two tensors have the
  // same name.
  StateDictWriter(const std::filesystem::path& path, const std::vector<TensorInfo>& tensors);

  // Writes a tensor. Requires: `bytes` has the size that shape and dtype give; tensors come in the
  // constructor's order.
  void write(std::span<const std::byte> bytes);

  // Requires: every tensor has been written.
  void commit();

 private:
  // A file of the archive.
  struct Entry {
    std::string name;
    uint64_t at = 0;  // of its header, from the start
    uint64_t bytes = 0;
    uint32_t crc = 0;  // CRC-32
  };
  void add(const std::string& name, std::span<const std::byte> bytes);

  PendingFile pending_;
  std::vector<uint64_t> sizes_;  // of the tensors
  size_t written_ = 0;           // tensors
  uint64_t end_ = 0;             // of what is written
  std::vector<Entry> entries_;
};

// Writes the tensors of a safetensors file as a state_dict. Throws a data error for what is no such
// file, and as the writer does.
void safetensors_to_state_dict(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace ringtrain::model_files
