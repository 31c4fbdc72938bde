// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds the subcommands `npy`, `npz` and `hdf5` to `import`.
void add_array_imports(CLI::App& import);

}  // namespace ringtrain::launcher
