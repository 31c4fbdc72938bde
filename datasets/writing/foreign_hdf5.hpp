// SPDX-License-Identifier: Apache-2.0
// What a foreign HDF5 file may not do: lead to data elsewhere. For the child of an Hdf5Process.
#pragma once

#include <filesystem>
#include <string>

#include "datasets/writing/hdf5_handle.hpp"

namespace ringtrain::datasets {

// Opens a file to read it. Throws a data error.
Hdf5Handle open_foreign_hdf5(const std::filesystem::path& path);

// Throws a data error that begins with `name` unless every step of the path is there and is a hard
// link. from: the file, or a group of it.
void require_hard_links(hid_t from, const std::string& path, const std::string& name);

// Throws a data error that begins with `name` unless the dataset's data lies in the file itself.
void require_own_data(hid_t dataset, const std::string& name);

}  // namespace ringtrain::datasets
