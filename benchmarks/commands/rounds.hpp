// SPDX-License-Identifier: Apache-2.0
// What benchmarks have in common that start ranks, round after round.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "launcher/mpi/placement.hpp"

namespace ringtrain::benchmarks {

// The median over rounds of a round's ratio, so that what disturbs a whole round cancels out. Both
// have a value of every round.
double median_ratio(const std::vector<double>& numerators, const std::vector<double>& denominators);

// Runs a program on every rank of the layout, and gives what the ranks print. Throws
// std::runtime_error with the program's own last line on stderr where it fails or takes longer.
std::string output_of_ranks(const launcher::RankLayout& layout,
                            const std::vector<std::string>& program, std::chrono::seconds limit);
// The same where rank 0 alone prints, a JSON object.
nlohmann::json run_ranks(const launcher::RankLayout& layout,
                         const std::vector<std::string>& program, std::chrono::seconds limit);
// The same for programs of Python: processes are not bound to cores, as torchrun leaves them.
nlohmann::json run_peers(const launcher::RankLayout& layout,
                         const std::vector<std::string>& program, std::chrono::seconds limit);

// The Python of `scripts/setup --peers` where that was run, else python3.
std::string default_python();
// Whether it can import all of "torch, torchvision".
bool can_import(const std::string& python, const std::string& modules);

// A TCP port that was free on this machine a moment ago.
int free_port();

// Throws a job error where the file cannot be written. An empty name: nothing.
void write_json(const std::string& file, const nlohmann::ordered_json& json);

}  // namespace ringtrain::benchmarks
