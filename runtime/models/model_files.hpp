// SPDX-License-Identifier: Apache-2.0
// The files of a trained model: weights by name (safetensors, and a state_dict of PyTorch) and a
// program that runs (TorchScript). Each appears whole or not at all: written beside the destination
// under a temporary name, flushed to disk, renamed.
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

// Writes a file as model_files::SafetensorsWriter does. Throws an io error when the file cannot be
// written, a job error for a tensor that the format cannot hold.
void write_safetensors(const std::filesystem::path& file, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata);

// Reads a file that may hold anything, which is checked before memory is allocated. Throws a data
// error.
Safetensors read_safetensors(const std::filesystem::path& file);

// Writes a file that torch.load opens, with weights_only=True, as an OrderedDict of these tensors,
// in this order. Throws as write_safetensors does.
void write_state_dict(const std::filesystem::path& file, std::span<const NamedTensor> tensors);

// Writes the model for torch.jit.load, in C++ and Python, which returns the extra files through its
// parameter _extra_files. Throws a data error if the file cannot be written.
void write_torchscript(const std::filesystem::path& file, const Model& model,
                       const std::map<std::string, std::string>& extra_files);

}  // namespace ringtrain
