// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::benchmarks {

// Adds `compare` to `bench`: two files of `bench step --json`, printed as benchstat does.
void add_bench_compare_command(CLI::App& bench);

}  // namespace ringtrain::benchmarks
