// SPDX-License-Identifier: Apache-2.0
// TorchScript files, written without torch: a zip archive of a module's code, its structure as a
// pickle, and the numbers of its tensors, as torch.jit.save makes it
// (https://github.com/pytorch/pytorch, serialization.md in torch/csrc/jit/docs).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model_files/keras/network.hpp"

namespace ringtrain::model_files::keras {

// Writes a network as a module that maps [rows, channels, height, width] to [rows, outputs],
// without the last softmax or sigmoid, which the loss of a job contains. Its state_dict has the
// names of weights_of(). The file appears whole or not at all.
// description: how its samples are, as a job describes those of its model.pt: `ringtrain serve` and
// `predict` need it.
// numbers: for each of weights_of(network), in PyTorch's order. Throws an io error, or a data error
// for more than 4 GiB.
void write_torchscript(const std::filesystem::path& path, const Network& network,
                       const std::vector<std::vector<float>>& numbers,
                       const std::string& description);

}  // namespace ringtrain::model_files::keras
