// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds the subcommands `images` and `webdataset` to `import`.
void add_image_imports(CLI::App& import);

}  // namespace ringtrain::launcher
