// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "runtime/models/model.hpp"

namespace ringtrain {

// Loads the TorchScript file options.name, saved by torch.jit.save from a scripted or traced module
// that maps [rows, channels, height, width] floats, or int64, to [rows, classes] floats. It is run
// on batches of zeros of two sizes first. Throws a job error that names the file if it cannot be
// opened, run or trained.
//
// Its batch normalisation, if any, takes statistics over the rows of one rank, and its random
// layers (dropout) draw from each rank's own generator.
std::unique_ptr<Model> load_torchscript(const ModelOptions& options);

}  // namespace ringtrain
