// SPDX-License-Identifier: Apache-2.0
// Checks of a machine for a training run: what was found, what is wrong, what to do about it.
#pragma once

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

// Runs all checks; starts mpirun once, with `true` as its program. Takes about a second.
std::vector<Finding> examine_machine();

// Whether a run on CPU would work.
bool can_train(const std::vector<Finding>& findings);

std::string print_findings(const std::vector<Finding>& findings);
nlohmann::ordered_json findings_to_json(const std::vector<Finding>& findings);

}  // namespace ringtrain::launcher
