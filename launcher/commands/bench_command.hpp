// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

namespace ringtrain::launcher {

// `ringtrain bench`: replaces this process by ringtrain-bench with the same arguments.
void add_bench_command(CLI::App& app);

}  // namespace ringtrain::launcher
