// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "datasets/importers/arrays/array_source.hpp"

namespace ringtrain::datasets {

// Opens a dataset of any HDF5 file (h5py's, say): contiguous, chunked or compressed by a built-in
// filter. libhdf5 runs in a child process that can only send rows through a pipe: a file that
// crashes it or exhausts its memory ends the child and becomes a data error here. External storage,
// links to other files and filter plug-ins are refused.
// Requires: a program without MPI, since it forks.
std::unique_ptr<ArraySource> open_hdf5_source(const std::filesystem::path& file,
                                              const std::string& dataset);

}  // namespace ringtrain::datasets
