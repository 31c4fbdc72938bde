// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::server {
namespace {

using testing::HasSubstr;

std::string state_of(const JobFacts& facts) { return state_name(derive_state(facts).state); }

Outcome ended(RunStatus status) { return {.status = status, .cause = "rank 1 was lost"}; }

TEST(JobState, IsQueuedUntilARunLives) {
  EXPECT_EQ(state_of({}), "Queued");
  EXPECT_EQ(state_of({.desired = Desired::stop}), "Suspended");
  EXPECT_EQ(state_of({.desired = Desired::remove}), "Deleting");
}

TEST(JobState, FollowsTheEventsOfARunThatLives) {
  const auto living = [](RunPhase phase, Desired desired = Desired::run) {
    return state_of({.desired = desired, .attempts = 1, .lives = true, .phase = phase});
  };
  EXPECT_EQ(living(RunPhase::none), "Starting");
  EXPECT_EQ(living(RunPhase::training), "Running");
  EXPECT_EQ(living(RunPhase::failing), "Restarting");
  EXPECT_EQ(living(RunPhase::finished), "Finishing");
  EXPECT_EQ(living(RunPhase::training, Desired::stop), "Suspending");
  EXPECT_EQ(living(RunPhase::finished, Desired::stop), "Finishing");
  EXPECT_EQ(living(RunPhase::training, Desired::remove), "Deleting");
  EXPECT_EQ(living(RunPhase::training, Desired::finish), "Finishing");
  EXPECT_EQ(living(RunPhase::failing, Desired::finish), "Restarting");
}

TEST(JobState, OfARunThatShallHaveOtherRanks) {
  const StateView view =
      derive_state({.attempts = 0, .lives = true, .phase = RunPhase::training, .next_ranks = 3});
  EXPECT_EQ(view.state, JobState::restarting);
  EXPECT_EQ(view.reason, "Scaled");
  EXPECT_THAT(view.why, HasSubstr("then starts on 3 ranks"));
  // It ended with its checkpoint: it is started again, unless it had completed by itself.
  EXPECT_EQ(state_of({.attempts = 0, .outcome = ended(RunStatus::cancelled)}), "Queued");
  EXPECT_EQ(state_of({.attempts = 0, .outcome = ended(RunStatus::finished)}), "Succeeded");
}

TEST(JobState, SaysHowARunEnded) {
  const auto after = [](RunStatus status, Desired desired = Desired::run) {
    return derive_state({.desired = desired, .attempts = 1, .outcome = ended(status)});
  };
  EXPECT_EQ(state_name(after(RunStatus::finished).state), "Succeeded");
  EXPECT_EQ(state_name(after(RunStatus::finished, Desired::stop).state), "Succeeded");
  EXPECT_EQ(state_name(after(RunStatus::cancelled, Desired::stop).state), "Suspended");
  for (const RunStatus status : {RunStatus::failed, RunStatus::lost}) {
    EXPECT_EQ(state_name(after(status).state), "Failed");
    EXPECT_EQ(after(status).why, "rank 1 was lost");
  }
}

TEST(JobState, StartsAgainWhatNobodyAskedToEnd) {
  for (const RunStatus status : {RunStatus::cancelled, RunStatus::killed}) {
    const StateView view = derive_state({.attempts = 1, .outcome = ended(status), .barren = 1});
    EXPECT_EQ(view.state, JobState::queued);
    EXPECT_EQ(view.reason, "Lost");
    EXPECT_THAT(view.why, HasSubstr("rank 1 was lost; it starts again"));
  }
  // The machine was switched off: neither a lock nor an outcome.
  EXPECT_EQ(state_of({.attempts = 1, .barren = 1}), "Queued");
  EXPECT_EQ(state_of({.desired = Desired::stop, .attempts = 1, .barren = 1}), "Suspended");
}

TEST(JobState, GivesUpAfterAsManyRestartsWithoutACheckpoint) {
  const auto after = [](int barren, int restarts) {
    return derive_state({.attempts = 9,
                         .outcome = ended(RunStatus::killed),
                         .barren = barren,
                         .restarts = restarts});
  };
  EXPECT_EQ(after(3, 3).state, JobState::queued);
  EXPECT_EQ(after(4, 3).state, JobState::failed);
  EXPECT_THAT(after(4, 3).why, HasSubstr("4 attempts in a row wrote no checkpoint"));
  EXPECT_EQ(after(1, 0).state, JobState::failed);
}

TEST(JobState, IsAtRestWhereNothingHappensByItself) {
  for (const JobState state : {JobState::suspended, JobState::succeeded, JobState::failed}) {
    EXPECT_TRUE(is_at_rest(state));
  }
  for (const JobState state :
       {JobState::queued, JobState::starting, JobState::running, JobState::restarting,
        JobState::finishing, JobState::suspending, JobState::deleting}) {
    EXPECT_FALSE(is_at_rest(state));
  }
}

}  // namespace
}  // namespace ringtrain::server
