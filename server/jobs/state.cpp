// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/state.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace ringtrain::server {
namespace {

StateView living(const JobFacts& facts) {
  if (facts.desired == Desired::remove) return {JobState::deleting, "", "is asked to stop first"};
  switch (facts.phase) {
    case RunPhase::finished:
      return {JobState::finishing, "", ""};
    case RunPhase::none:
    case RunPhase::training:
    case RunPhase::failing:
      break;
  }
  if (facts.desired == Desired::stop) {
    return {JobState::suspending, "", "is asked to write a checkpoint and end"};
  }
  if (facts.next_ranks > 0) {
    return {JobState::restarting, "Scaled",
            fmt::format("is asked to write a checkpoint, then starts on {}",
                        counted(facts.next_ranks, "rank"))};
  }
  if (facts.phase == RunPhase::failing) return {JobState::restarting, "", "its ranks start again"};
  if (facts.desired == Desired::finish) {
    return {JobState::finishing, "Asked", "is asked to end now, with its model"};
  }
  return {facts.phase == RunPhase::training ? JobState::running : JobState::starting, "", ""};
}

// The newest attempt was lost: it is started again, within limits.
StateView lost(const JobFacts& facts, const std::string& cause) {
  if (facts.desired == Desired::stop) return {JobState::suspended, "Lost", cause};
  if (facts.barren > facts.restarts) {
    return {JobState::failed, "Lost",
            fmt::format("{}; {} in a row {}", cause, counted(facts.barren, "attempt"),
                        facts.is_script ? "were lost" : "wrote no checkpoint")};
  }
  return {JobState::queued, "Lost",
          cause + (facts.is_script ? "; it starts again"
                                   : "; it starts again from its newest checkpoint")};
}

StateView ended(const JobFacts& facts) {
  const Outcome& outcome = *facts.outcome;
  switch (outcome.status) {
    case RunStatus::finished:
      return {JobState::succeeded, "", ""};
    case RunStatus::failed:
      return {JobState::failed, "Failed", outcome.cause};
    case RunStatus::lost:
      return {JobState::failed, "RanksLost", outcome.cause};
    case RunStatus::cancelled:
      if (facts.desired == Desired::stop) return {JobState::suspended, "", ""};
      return lost(facts, outcome.cause);
    case RunStatus::killed:
      return lost(facts, outcome.cause);
  }
  return {};
}

}  // namespace

std::string state_name(JobState state) {
  switch (state) {
    case JobState::queued:
      return "Queued";
    case JobState::starting:
      return "Starting";
    case JobState::running:
      return "Running";
    case JobState::restarting:
      return "Restarting";
    case JobState::finishing:
      return "Finishing";
    case JobState::suspending:
      return "Suspending";
    case JobState::suspended:
      return "Suspended";
    case JobState::succeeded:
      return "Succeeded";
    case JobState::failed:
      return "Failed";
    case JobState::deleting:
      return "Deleting";
  }
  return "";
}

bool is_at_rest(JobState state) {
  return state == JobState::suspended || state == JobState::succeeded || state == JobState::failed;
}

StateView derive_state(const JobFacts& facts) {
  if (facts.lives) return living(facts);
  if (facts.desired == Desired::remove) return {JobState::deleting, "", ""};
  // A run may end by itself while it is asked to start again on other ranks.
  const bool is_complete = facts.outcome && facts.outcome->status == RunStatus::finished;
  if (facts.attempts == 0 && !is_complete) {
    if (facts.desired == Desired::stop) return {JobState::suspended, "", ""};
    return {JobState::queued, "", ""};
  }
  if (!facts.outcome) return lost(facts, "the run ended without a word, as when the machine stops");
  return ended(facts);
}

}  // namespace ringtrain::server
