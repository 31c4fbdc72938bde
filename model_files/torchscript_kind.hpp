// SPDX-License-Identifier: Apache-2.0
// What a file is that was given as a TorchScript model. Reads a few bytes and needs no torch.
#pragma once

#include <filesystem>
#include <string>

namespace ringtrain::model_files {

// Returns why a file cannot be TorchScript, for the end of a message that names it: "is a file of
// torch.save, which only Python can read". Empty for a file that torch.jit may have written.
// Throws a data error if it cannot be read.
std::string why_not_torchscript(const std::filesystem::path& file);

// How to write a TorchScript file, for the end of a message.
inline constexpr const char* kHowToSaveTorchScript =
    "save the model by torch.jit.script(model).save('model.pt')";

}  // namespace ringtrain::model_files
