// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/attempt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "launcher/process/stop_signals.hpp"
#include "launcher/supervise/mpirun_starter.hpp"
#include "launcher/supervise/system_clock.hpp"
#include "launcher/terminal/run_display.hpp"

namespace ringtrain::launcher {
namespace {

using testing::HasSubstr;

// Runs a script in place of mpirun; "@" in it begins an event.
AttemptEnd run(std::string script, bool keep_stdout, std::string* out = nullptr,
               std::string* err = nullptr, bool relay_events = false,
               const AttemptOptions& options = {}) {
  for (size_t at = 0; (at = script.find('@', at)) != std::string::npos;) {
    script.replace(at, 1, "\x1e");
  }
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  AttemptEnd end;
  {
    StopSignals stop;
    SystemClock clock(stop);
    std::vector<EventRelay> relays;
    if (relay_events) relays.emplace_back(STDOUT_FILENO, EventRelay::For::log);
    RunDisplay display(keep_stdout, std::move(relays));
    ProcessRanks ranks({{"/bin/sh", "-c", script}, {}}, stop);
    end = attempt(ranks, options, clock, display);
  }
  const std::string got_out = testing::internal::GetCapturedStdout();
  const std::string got_err = testing::internal::GetCapturedStderr();
  if (out != nullptr) *out = got_out;
  if (err != nullptr) *err = got_err;
  return end;
}

const std::string kResult =  // NOLINT(cert-err58-cpp)
    R"(echo '@{"event":"result","name":"x","steps":3}';)";

std::string failure(int exit_code) {
  return R"(echo '@{"event":"failure","exit_code":)" + std::to_string(exit_code) +
         R"(,"rank":1,"host":"h","message":"what is wrong"}';)";
}

std::string killed_notice() {
  const std::string dashes(74, '-');
  return "printf '%s\\n' '" + dashes +
         "' 'mpirun noticed that process rank 1 with PID 5 on node h exited on signal 9 (Killed).' "
         "'" +
         dashes + "' >&2;";
}

// Runs two ranks of a script, by a shell script as run() does.
AttemptEnd run_two(const std::string& script) {
  const ScriptTerms terms;
  return run(script, false, nullptr, nullptr, false, {.ranks = 2, .script = &terms});
}

std::string ended(int rank, int exit_code, const std::string& more = "") {
  return R"(echo '@{"event":"rank_ended","rank":)" + std::to_string(rank) +
         R"(,"host":"h","exit_code":)" + std::to_string(exit_code) + more + "}';";
}

TEST(AttemptOfAScript, IsFinishedWhenAllRanksHaveEndedWell) {
  const AttemptEnd end = run_two(ended(0, 0) + ended(1, 0));
  EXPECT_EQ(end.kind, AttemptEnd::Kind::finished);
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_EQ(run_two(ended(0, 0)).kind, AttemptEnd::Kind::lost);
}

TEST(AttemptOfAScript, EndsWithTheExitCodeOfItsFirstCause) {
  const AttemptEnd end = run_two(ended(1, 3, R"(,"message":"exit code 3")") + "exit 3");
  EXPECT_EQ(end.kind, AttemptEnd::Kind::refused);
  EXPECT_EQ(end.exit_code, 3);
  EXPECT_EQ(end.cause, "rank 1 on h: exit code 3");
}

TEST(AttemptOfAScript, NamesARankThatMpirunReportsRatherThanThoseThatLostIt) {
  const AttemptEnd end =
      run_two(ended(0, 1, R"(,"message":"Connection closed","consequence":true,"again":true)") +
              killed_notice() + "exit 137");
  EXPECT_EQ(end.kind, AttemptEnd::Kind::lost);
  EXPECT_EQ(end.exit_code, 4);
  EXPECT_THAT(end.cause, testing::StartsWith("rank 1 on h was ended by signal 9 (Killed)"));
}

TEST(Attempt, GivesTheResultOfAFinishedRun) {
  const AttemptEnd end = run(kResult, true);
  EXPECT_EQ(end.exit_code, 0);
  ASSERT_TRUE(end.result);
  EXPECT_EQ(end.result->name, "x");
  EXPECT_EQ(end.result->steps, 3);
}

TEST(Attempt, PassesOnOtherLinesAndKeepsStdoutCleanWhereAsked) {
  std::string out, err;
  run("echo hello; echo careful >&2;" + kResult, false, &out, &err);
  EXPECT_EQ(out, "hello\n");
  EXPECT_EQ(err, "careful\n");
  run("echo hello; echo careful >&2;" + kResult, true, &out, &err);
  EXPECT_EQ(out, "");
  EXPECT_THAT(err, HasSubstr("hello\n"));
}

TEST(Attempt, RelaysEventsWhereAsked) {
  const std::string script = R"(echo '@{"event":"started","world_size":2}'; echo hello;)"
                             R"(echo '@{"event":"step","step":1}';)"
                             R"(echo '@{"event":"step","step":2}';)" +
                             kResult;
  std::string out, err;
  EXPECT_EQ(run(script, false, &out, &err, true).exit_code, 0);
  EXPECT_EQ(out,
            "\x1e{\"event\":\"started\",\"world_size\":2}\nhello\n"
            "\x1e{\"event\":\"step\",\"step\":1}\n"  // of steps, one a second
            "\x1e{\"event\":\"result\",\"name\":\"x\",\"steps\":3}\n");
  EXPECT_THAT(err, HasSubstr("training 0 steps"));
}

TEST(Attempt, ExitsAsTheWorkerSaid) {
  for (const int code : {2, 3}) {
    const AttemptEnd end = run(failure(code) + "exit 1", false);
    EXPECT_EQ(end.exit_code, code);
    EXPECT_EQ(end.cause, "what is wrong");
  }
  const AttemptEnd end = run(failure(4) + "exit 4", false);
  EXPECT_EQ(end.exit_code, 4);
  EXPECT_EQ(end.cause, "rank 1 on h: what is wrong");
  EXPECT_EQ(run(failure(77) + "exit 77", false).exit_code, 4);
}

TEST(Attempt, NamesAKilledRankRatherThanThoseThatLostIt) {
  std::string err;
  const AttemptEnd end = run(failure(4) + killed_notice() + "exit 137", false, nullptr, &err);
  EXPECT_EQ(end.exit_code, 4);
  EXPECT_THAT(end.cause, HasSubstr("rank 1 on h was ended by signal 9 (Killed)"));
  EXPECT_EQ(err, "");
}

TEST(Attempt, FailsWhereNothingWasSaid) {
  EXPECT_EQ(run("exit 0", false).cause, "the ranks ended without a result");
  EXPECT_THAT(run("exit 9", false).cause, HasSubstr("mpirun ended with exit code 9"));
  EXPECT_THAT(run("kill -KILL $$", false).cause, HasSubstr("mpirun was ended by signal 9"));
}

TEST(Attempt, IsFinishedWithAResultHoweverRanksEndThen) {
  EXPECT_EQ(run(kResult + "exit 1", false).kind, AttemptEnd::Kind::finished);
}

TEST(Attempt, IsNotForAnotherTryWhereThatWouldEndTheSame) {
  const auto kind = [](const std::string& script) { return run(script, false).kind; };
  EXPECT_EQ(kind(failure(3) + "exit 3"), AttemptEnd::Kind::refused);
  EXPECT_EQ(kind(failure(4) + "exit 4"), AttemptEnd::Kind::lost);
  EXPECT_EQ(kind(R"(echo '@{"event":"failure","exit_code":4,"again":false}'; exit 4)"),
            AttemptEnd::Kind::refused);
}

TEST(Attempt, EndsAtOnceWhenAHostIsLost) {
  const AttemptEnd end = run(R"(echo '@{"event":"step","step":340,"steps":400}';)"
                             R"(echo '@{"event":"lost_host","host":"n2"}';)"
                             "while :; do sleep 0.01; done",
                             false);
  EXPECT_EQ(end.kind, AttemptEnd::Kind::lost);
  EXPECT_EQ(end.cause, "the connection to n2 was lost, after step 340 of 400");
}

TEST(Attempt, StopsOnSignals) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // The stand-in signals us, the parent of its subreaper, and then waits to be ended.
    const std::string send = "kill -" + std::to_string(signal) + " " + std::to_string(::getpid()) +
                             "; while :; do sleep 0.01; done";
    const AttemptEnd end = run(send, false);
    EXPECT_EQ(end.exit_code, 128 + signal);
    EXPECT_THAT(end.cause, HasSubstr("stopped by signal"));
  }
}

TEST(Attempt, KillsAtOnceOnTheSecondSignal) {
  const std::string self = std::to_string(::getpid());
  const AttemptEnd end = run(
      "trap 'kill -INT " + self + "' USR2; kill -INT " + self + "; while :; do sleep 0.01; done",
      false);
  EXPECT_EQ(end.exit_code, 130);
}

}  // namespace
}  // namespace ringtrain::launcher
