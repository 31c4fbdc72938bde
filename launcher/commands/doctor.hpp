// SPDX-License-Identifier: Apache-2.0
// What a training run needs of a machine: what was found, what is wrong with it, what to do about
// it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ringtrain::launcher {

struct Finding {
  enum class Status {
    good,
    missing,  // something that only some runs need: other hosts, a GPU
    bad       // a run on CPU would not work, or not well
  };
  std::string what;  // "MPI", "/dev/shm"
  Status status = Status::good;
  std::string found;   // "Open MPI 4.1.4, /usr/bin/mpirun"
  std::string advice;  // empty where all is well
};

// Looks at everything; starts mpirun once, with `true` as its program. Takes about a second.
std::vector<Finding> examine_machine();

// Whether a run on CPU would work.
bool can_train(const std::vector<Finding>& findings);

std::string print_findings(const std::vector<Finding>& findings);
nlohmann::ordered_json findings_to_json(const std::vector<Finding>& findings);

}  // namespace ringtrain::launcher
