// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::benchmarks {

// Adds `scaling` to `bench`: one job on 1, 2, 4, ... ranks, and what its efficiency is lost to.
void add_bench_scaling_command(CLI::App& bench);

}  // namespace ringtrain::benchmarks
