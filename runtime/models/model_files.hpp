// SPDX-License-Identifier: Apache-2.0
// The files of a trained model: weights by name (safetensors) and a program that runs
// (TorchScript). Both appear whole or not at all: written beside the destination under a temporary
// name, flushed to disk, renamed.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/models/model.hpp"

namespace ringtrain {

struct Safetensors {
  std::vector<NamedTensor> tensors;             // in the order of the data in the file
  std::map<std::string, std::string> metadata;  // the header's __metadata__
};

// https://github.com/huggingface/safetensors, "Format": the length of a JSON header as a
// little-endian u64, the header, the tensors' bytes. The same tensors and metadata give the same
// bytes, in whatever order they come: wider element types first, which aligns every tensor, then by
// name. Throws a data error when the file cannot be written, a job error for a tensor that the
// format cannot hold.
void write_safetensors(const std::filesystem::path& file, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata);

// Reads a file that may hold anything: names, types, shapes and offsets are checked against each
// other and against the file's size before memory is allocated. Throws a data error.
Safetensors read_safetensors(const std::filesystem::path& file);

// Writes the model for torch.jit.load, in C++ and Python, which returns the extra files through its
// parameter _extra_files. Throws a data error if the file cannot be written.
void write_torchscript(const std::filesystem::path& file, const Model& model,
                       const std::map<std::string, std::string>& extra_files);

}  // namespace ringtrain
