// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::benchmarks {

// Adds `bench emulate`: real ranks of our protocol whose computation is slept through.
void add_bench_emulate_command(CLI::App& bench);

}  // namespace ringtrain::benchmarks
