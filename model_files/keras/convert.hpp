// SPDX-License-Identifier: Apache-2.0
// Keras' .h5 files to and from the files of ringtrain and PyTorch.
//
// Samples of Keras have their channels last, those of PyTorch first, so kernels are transposed and
// the weights behind a Flatten reordered. A softmax or sigmoid at the end is in the .h5 file alone:
// the loss of a job contains it.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace ringtrain::model_files::keras {

// Writes a network with its weights as a TorchScript file, which `model:` of a job takes. Throws a
// data error that names file and layer.
void h5_to_torchscript(const std::filesystem::path& from, const std::filesystem::path& to);

// Writes the weights alone, under the names of their layers, "conv2d.weight". The metadata keeps
// the architecture, from which safetensors_to_h5() makes the same .h5 again.
void h5_to_safetensors(const std::filesystem::path& from, const std::filesystem::path& to);

// Writes weights as an .h5 file that Keras' load_model() opens. The architecture is that of the
// file `like`, or the one that the metadata keeps, or that of a model of the zoo which a job left.
// Weights are found by the names of their layers, or, if no name fits, in the order of the layers.
void safetensors_to_h5(const std::filesystem::path& from, const std::filesystem::path& to,
                       const std::optional<std::filesystem::path>& like);

// Writes the mean of the weights of files of one architecture, with the model_config of the first.
// Throws a data error that names the file and the layer which differs.
// Requires: from is not empty.
void average_h5(const std::vector<std::filesystem::path>& from, const std::filesystem::path& to);

}  // namespace ringtrain::model_files::keras
