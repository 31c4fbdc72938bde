// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "datasets/importers/array_source.hpp"

namespace ringtrain::datasets {

// A dataset of any HDF5 file (h5py's, say): contiguous, chunked or compressed by a built-in filter.
// libhdf5 runs in a child process that can only send rows through a pipe: a file that makes it
// crash or hang its memory ends the child, and here becomes a data error. External storage, links
// to other files and filter plug-ins are refused. Starts a process, so not for programs that run
// MPI.
std::unique_ptr<ArraySource> open_hdf5_source(const std::filesystem::path& file,
                                              const std::string& dataset);

}  // namespace ringtrain::datasets
