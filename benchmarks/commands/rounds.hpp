// SPDX-License-Identifier: Apache-2.0
// Shared by benchmarks that start ranks, round after round.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "launcher/mpi/placement.hpp"

namespace ringtrain::benchmarks {

// Runs a program on every rank of the layout, and returns the ranks' output. Throws
// std::runtime_error with the program's last line on stderr if it fails or takes longer.
std::string output_of_ranks(const launcher::RankLayout& layout,
                            const std::vector<std::string>& program, std::chrono::seconds limit);
// Does the same for rank 0 alone printing, a JSON object.
nlohmann::json run_ranks(const launcher::RankLayout& layout,
                         const std::vector<std::string>& program, std::chrono::seconds limit);
// Does the same for Python programs: like torchrun, it binds no process to cores.
nlohmann::json run_peers(const launcher::RankLayout& layout,
                         const std::vector<std::string>& program, std::chrono::seconds limit);

// Returns the Python of `scripts/setup --peers` if that was run, else python3.
std::string default_python();
// Returns whether it can import all modules, such as "torch, torchvision".
bool can_import(const std::string& python, const std::string& modules);

// Returns a TCP port that was free on this machine a moment ago.
int free_port();

// The machine cannot show what was asked for. The figures are printed and kept all the same.
class NoisyMachine : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// Over half of the rounds of something, named, were disturbed.
NoisyMachine mostly_disturbed_error(const std::string& what);
inline constexpr int kExitNoisyMachine = 5;  // docs/reference/exit-codes.md

// Writes the file of --json; does nothing for an empty name. Throws a job error.
void write_json(const std::string& file, const nlohmann::ordered_json& json);
// Appends a line to `records` and writes them all to the file of --json; to none if it is empty.
// Throws a job error if it cannot be written.
void keep_record(const std::string& file, const nlohmann::ordered_json& record,
                 std::string& records);

}  // namespace ringtrain::benchmarks
