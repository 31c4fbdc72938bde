// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "job/events.hpp"

namespace ringtrain::launcher {

// The rank that failed first and its host, as far as they are known.
struct Culprit {
  std::optional<int64_t> rank = {};
  std::optional<std::string> host = {};
};

// How one set of ranks ended.
struct AttemptEnd {
  enum class Kind {
    finished,  // with a result, or with exit code 0 of every rank of a script
    stopped,   // by a request to us
    released,  // by us, to be started again with more ranks
    refused,   // job, data or arithmetic: another attempt would end the same
    lost,      // by anything else
  };
  Kind kind = Kind::lost;
  int exit_code = 4;
  std::string cause = {};  // one line; empty when finished or released
  std::optional<Result> result = {};
  Culprit culprit = {};
  std::string log = {};  // path of the culprit's output on its host, for a script

  static AttemptEnd finished(Result result);
  // saved_step: the step of the checkpoint that the ranks left, if they did.
  static AttemptEnd stopped(int signal, std::optional<int64_t> saved_step);
  static AttemptEnd released();
  static AttemptEnd refused(const FailureEvent& failure);
  static AttemptEnd lost(std::string cause, Culprit culprit = {});
};

// "rank 1 on node3: CUDA out of memory"; of bad input the message alone.
std::string describe(const FailureEvent& failure);

}  // namespace ringtrain::launcher
