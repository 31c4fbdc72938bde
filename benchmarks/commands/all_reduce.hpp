// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::benchmarks {

// Adds `allreduce` to `bench`: our all-reduces beside MPI's and Gloo's, and beside the limit of
// memory or network. Its ranks are ringtrain-bench-all-reduce
// (benchmarks/all_reduce) and benchmarks/peers/gloo_all_reduce.py.
void add_bench_all_reduce_command(CLI::App& bench);

}  // namespace ringtrain::benchmarks
