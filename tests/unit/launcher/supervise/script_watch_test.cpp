// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/script_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace ringtrain::launcher {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

RankEndedEvent ended(int64_t rank, int exit_code, const std::string& message) {
  return {.rank = rank, .host = "h", .exit_code = exit_code, .message = message};
}

RankEndedEvent lost_a_peer(int64_t rank) {
  RankEndedEvent event = ended(rank, 1, "RuntimeError: Connection closed by peer (train.py:9)");
  event.consequence = true;
  event.again = true;
  return event;
}

RankSilentEvent silent(int64_t rank, const std::string& at, const std::string& waits_in) {
  return {.rank = rank, .host = "h", .seconds = 25, .at = at, .waits_in = waits_in};
}

TEST(AScript, HasFinishedOnceEveryRankHasEndedWell) {
  ScriptWatch watch(2, seconds(0));
  watch.on(ended(0, 0, ""));
  EXPECT_FALSE(watch.end(true));
  watch.on(ended(1, 0, ""));
  EXPECT_FALSE(watch.has_failed());
  EXPECT_EQ(watch.end(true)->kind, AttemptEnd::Kind::finished);
  EXPECT_FALSE(watch.end(false));
}

TEST(TheFirstCause, IsNoConsequenceWhileThereIsAnother) {
  ScriptWatch watch(3, seconds(0));
  watch.on(lost_a_peer(0));
  EXPECT_TRUE(watch.has_failed());
  watch.on(ended(1, 1, "ValueError: bad (train.py:88)"));
  watch.on(ended(2, 1, "ValueError: later (train.py:90)"));
  const auto end = watch.end(false);
  EXPECT_EQ(end->kind, AttemptEnd::Kind::refused);
  EXPECT_EQ(end->exit_code, 1);
  EXPECT_EQ(end->cause, "rank 1 on h: ValueError: bad (train.py:88)");
  EXPECT_EQ(end->culprit.rank, 1);
}

TEST(TheFirstCause, IsALossWhereRanksLostEachOther) {
  ScriptWatch watch(2, seconds(0));
  watch.on(lost_a_peer(0));
  const auto end = watch.end(false);
  EXPECT_EQ(end->kind, AttemptEnd::Kind::lost);
  EXPECT_EQ(end->exit_code, 4);
}

TEST(TheFirstCause, IsASignalThatEndedARank) {
  ScriptWatch watch(2, seconds(0));
  watch.on(lost_a_peer(0));
  RankEndedEvent killed = ended(1, 0, "");
  killed.signal = SIGKILL;
  killed.again = true;
  watch.on(killed);
  const auto end = watch.end(false);
  EXPECT_EQ(end->kind, AttemptEnd::Kind::lost);
  EXPECT_EQ(end->exit_code, 4);
  EXPECT_THAT(end->cause, StartsWith("rank 1 on h was ended by signal 9 (Killed)"));
}

TEST(TheFirstCause, IsTheRankThatEndedBeforeTheOthers) {
  ScriptWatch watch(2, seconds(0));
  watch.on(ended(1, 0, ""));
  watch.on(lost_a_peer(0));
  const auto end = watch.end(false);
  EXPECT_EQ(end->kind, AttemptEnd::Kind::refused);
  EXPECT_EQ(end->exit_code, 1);
  EXPECT_THAT(end->cause, StartsWith("rank 1 on h ended before the others (exit code 0); rank 0"));
}

TEST(AHang, IsReportedOnceAllRanksAreSilent) {
  const ScriptWatch::TimePoint now{seconds(100)};
  const auto none = [] { return std::string(); };
  ScriptWatch watch(2, seconds(60));
  watch.on(silent(0, "train.py:8 in step", "all_reduce"), now);
  EXPECT_FALSE(watch.new_hang(now, none));
  watch.on(silent(1, "train.py:6 in load_batch", ""), now);
  const auto hang = watch.new_hang(now, none);
  ASSERT_TRUE(hang);
  EXPECT_THAT(*hang, HasSubstr("for 25 s: rank 1 on h is at train.py:6 in load_batch; rank 0 on "
                               "h waits in all_reduce at train.py:8 in step"));
  EXPECT_FALSE(watch.new_hang(now, none));
  EXPECT_FALSE(watch.overlong_hang(now + seconds(34)));
  EXPECT_EQ(watch.overlong_hang(now + seconds(35)), hang);
}

TEST(AHang, EndsWhenARankDoesSomething) {
  const ScriptWatch::TimePoint now{seconds(100)};
  const auto none = [] { return std::string(); };
  ScriptWatch watch(1, seconds(60));
  watch.on(silent(0, "", ""), now);
  EXPECT_TRUE(watch.new_hang(now, none));
  watch.on(RankSilentEvent{.rank = 0, .host = "h", .silent = false}, now);
  EXPECT_FALSE(watch.new_hang(now, none));
  EXPECT_FALSE(watch.overlong_hang(now + seconds(1000)));
}

TEST(AHang, IsAPausedRankWhateverTheOthersDo) {
  const ScriptWatch::TimePoint now{seconds(100)};
  ScriptWatch watch(2, seconds(0));
  watch.on(silent(1, "", ""), now);
  const auto hang = watch.new_hang(now, [] { return std::string("; rank 1 is paused (SIGSTOP)"); });
  ASSERT_TRUE(hang);
  EXPECT_THAT(*hang, HasSubstr("rank 1 on h is silent; rank 1 is paused (SIGSTOP)"));
  EXPECT_FALSE(watch.overlong_hang(now + seconds(10'000)));
}

TEST(AHang, DoesNotWaitForRanksThatHaveEnded) {
  const ScriptWatch::TimePoint now{seconds(100)};
  ScriptWatch watch(2, seconds(0));
  watch.on(ended(0, 0, ""));
  watch.on(silent(1, "", ""), now);
  EXPECT_TRUE(watch.new_hang(now, [] { return std::string(); }));
}

}  // namespace
}  // namespace ringtrain::launcher
