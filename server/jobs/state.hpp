// SPDX-License-Identifier: Apache-2.0
// The state of a job, from what is true of it: a lock says that a run lives, outcome.json says how
// one ended, its events say how far it is. A pure function; nothing is guessed from time.
#pragma once

#include <optional>
#include <string>

#include "job/outcome_file.hpp"

namespace ringtrain::server {

enum class JobState {
  queued,      // waits for cores
  starting,    // lives, no step yet
  running,     // trains
  restarting,  // lives, and is between a failure and the next start of its ranks
  finishing,   // has its result, and is about to end
  suspending,  // was asked to stop, and still lives
  suspended,   // stopped with a checkpoint; can be resumed
  succeeded,
  failed,
  deleting,  // was asked to stop, and goes to the trash then
};

std::string state_name(JobState state);

// Whether nothing happens to such a job unless somebody asks for it.
bool is_at_rest(JobState state);

enum class Desired {
  run,
  stop,
  remove,
  finish,  // run, but end now: evaluate, and write the model
};

// The newest run, as its events say.
enum class RunPhase { none, training, failing, finished };

struct JobFacts {
  Desired desired = Desired::run;
  int attempts = 0;    // started since it was last asked to run
  bool lives = false;  // the newest of them
  std::optional<Outcome> outcome = {};
  RunPhase phase = RunPhase::none;
  int barren = 0;      // attempts in a row that were lost without a checkpoint
  int restarts = 3;    // most of them after the first
  int next_ranks = 0;  // it is to end with a checkpoint, and start again on so many; 0: no
  bool is_script = false;
};

struct StateView {
  JobState state = JobState::queued;
  std::string reason = {};  // one word; empty: none is needed
  std::string why = {};     // one line
  bool operator==(const StateView&) const = default;
};

StateView derive_state(const JobFacts& facts);

}  // namespace ringtrain::server
