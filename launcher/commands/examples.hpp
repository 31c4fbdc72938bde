// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds examples to the end of each command's help. Requires: all commands have been added.
void add_examples(CLI::App& app);

}  // namespace ringtrain::launcher
