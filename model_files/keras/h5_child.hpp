// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

namespace ringtrain::model_files::keras {

// Bounds on what a file may make of this program.
constexpr uint64_t kMostHeaderBytes = uint64_t{64} << 20;
constexpr uint64_t kMostNumbers = uint64_t{1} << 31;

// Reads a Keras file with libhdf5 and writes to the descriptor `out`: the length of a JSON text as
// u64; the text, which is an H5File without numbers or {"error": ...}; the numbers of all weights.
// Returns the exit status of the process.
// Requires: a child of datasets::Hdf5Process.
int run_h5_child(const std::filesystem::path& path, int out);

}  // namespace ringtrain::model_files::keras
