// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `info`, which shows the contents of a dataset, to `dataset`.
void add_dataset_info(CLI::App& dataset);

}  // namespace ringtrain::launcher
