// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace ringtrain::datasets {

constexpr size_t kHdf5MaxDims = 8;

// The first message of the child: the array, or an error message instead of rows.
struct Hdf5Header {
  uint32_t error_bytes = 0;  // > 0: an error message of this length follows instead of rows
  uint32_t type = 0;
  uint32_t rank = 0;
  std::array<uint64_t, kHdf5MaxDims> dims{};
};

// Reads a dataset with libhdf5 and writes an Hdf5Header and its rows to the descriptor `out`.
// Returns the exit status of the process: 0 if all rows were written.
// Requires: a child of Hdf5Process.
int run_hdf5_child(const std::filesystem::path& path, const std::string& dataset, int out);

}  // namespace ringtrain::datasets
