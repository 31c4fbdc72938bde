// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/problem.hpp"

namespace ringtrain::server {

// Returns the status of the Problem that `work` throws; 0: none.
template <class Work>
int status_of_refusal(const Work& work) {
  try {
    work();
  } catch (const Problem& problem) {
    return problem.status();
  }
  return 0;
}

}  // namespace ringtrain::server
