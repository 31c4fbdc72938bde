// SPDX-License-Identifier: Apache-2.0
// Checks of a machine for a training run: what was found, what is wrong, what to do about it.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ringtrain::launcher {

struct Finding {
  enum class Status {
    good,
    missing,  // only some runs need it: other hosts, a GPU
    bad       // a run on CPU would fail, or be slow
  };
  std::string what;  // "MPI", "/dev/shm"
  Status status = Status::good;
  std::string found;   // "Open MPI 4.1.4, /usr/bin/mpirun"
  std::string advice;  // empty if all is well
};

// Whether a run on CPU would work.
bool can_train(const std::vector<Finding>& findings);

std::string print_findings(const std::vector<Finding>& findings);
nlohmann::ordered_json findings_to_json(const std::vector<Finding>& findings);

// Adds `doctor`, which checks this machine. `trains_models`: false in a program that runs scripts
// alone. `exit_code` becomes 4 if it cannot train; it must live
// as long as the app.
void add_doctor_command(CLI::App& app, bool trains_models, int& exit_code);

}  // namespace ringtrain::launcher
