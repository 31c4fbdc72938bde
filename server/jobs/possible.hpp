// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "server/jobs/state.hpp"

namespace ringtrain::server {

// Returns what can be asked of a job in this state, for whoever asked for something else.
inline std::vector<std::string> possible_in(JobState state) {
  switch (state) {
    case JobState::queued:
      return {"stop", "scale", "delete"};
    case JobState::starting:
    case JobState::running:
    case JobState::restarting:
      return {"stop", "finish", "scale", "delete"};
    case JobState::finishing:
      return {"stop", "delete"};
    case JobState::suspended:
    case JobState::failed:
      return {"resume", "scale", "delete"};
    case JobState::suspending:
    case JobState::succeeded:
      return {"delete"};
    case JobState::deleting:
      break;
  }
  return {};
}

}  // namespace ringtrain::server
