// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/run_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "job/events.hpp"
#include "job/events_file.hpp"
#include "launcher/process/process.hpp"
#include "launcher/process/process_tree.hpp"
#include "launcher/process/stop_signals.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

class RunRecordTest : public testing::Test {
 protected:
  std::filesystem::path outcome() const { return folder_ / "run/outcome.json"; }
  std::filesystem::path events() const { return folder_ / "run/events.jsonl"; }

  static void write(const RunRecord& record, const std::string& text) {
    ASSERT_EQ(::write(record.events(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  // Runs a launcher that is killed by signal 9 after what `life` does.
  void kill_after(const std::function<void(RunRecord& record)>& life) {
    Child launcher({.body = [&] {
      RunRecord record(folder_ / "run", "output");
      life(record);
      return ::raise(SIGKILL);
    }});
    EXPECT_EQ(launcher.wait().signal, SIGKILL);
    // The recorder holds the lock until it has written everything.
    EventsFile file(events());
    while (!file.try_lock()) ::usleep(1000);
  }

  const TemporaryDirectory folder_;
  StopSignals stop_;
};

TEST_F(RunRecordTest, HoldsTheOutcomeAndTheEvents) {
  const Time before =
      std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  RunRecord record(folder_ / "run", "output");
  const std::string line = print_event(LogEvent{"info", "one"}, 1);
  write(record, line + "\n" + "something else\n");
  record.finish({.status = RunStatus::lost, .exit_code = 4, .cause = "why", .attempts = 2});
  const auto read = read_outcome(outcome());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->status, RunStatus::lost);
  EXPECT_EQ(read->exit_code, 4);
  EXPECT_EQ(read->cause, "why");
  EXPECT_EQ(read->attempts, 2);
  EXPECT_GE(read->started, before);
  EXPECT_GE(read->ended, read->started);
  EXPECT_EQ(read_file(events()), line.substr(1) + "\n");
}

TEST_F(RunRecordTest, SaysThatTheLauncherWasKilled) {
  kill_after([](RunRecord& record) {
    write(record, print_event(LogEvent{"info", "one"}, 2) + "\n" + "\x1e{\"event\":\"lo");
  });
  const auto read = read_outcome(outcome());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->status, RunStatus::killed);
  EXPECT_FALSE(read->exit_code);
  EXPECT_THAT(read->cause, HasSubstr("the launcher was killed"));
  EXPECT_EQ(read->attempts, 2);
  EXPECT_THAT(read_file(events()), EndsWith("\"message\":\"one\"}\n"));
}

TEST_F(RunRecordTest, CountsARunWithAResultAsFinishedThoughTheLauncherWasKilled) {
  kill_after([](RunRecord& record) { write(record, print_event(ResultEvent{}, 1) + "\n"); });
  EXPECT_EQ(read_outcome(outcome())->status, RunStatus::finished);
  EXPECT_FALSE(read_outcome(outcome())->exit_code);
}

TEST_F(RunRecordTest, KeepsTheLastWordOfALauncherThatIsKilledAfterIt) {
  kill_after([](RunRecord& record) {
    write(record, print_outcome({.status = RunStatus::failed, .exit_code = 3}) + "\n");
  });
  EXPECT_EQ(read_outcome(outcome())->status, RunStatus::failed);
}

TEST_F(RunRecordTest, WaitsForTheProcessesOfAKilledLauncher) {
  const std::string gone = (folder_ / "gone").string();
  std::optional<Process> process;  // in the launcher
  kill_after([&](RunRecord& /*record*/) {
    process.emplace(std::vector<std::string>{
        "sh", "-c",
        "trap 'sleep 0.3; touch " + gone + "; exit' TERM; echo; while :; do sleep 0.01; done"});
    char newline = 0;
    while (::read(process->standard_output().get(), &newline, 1) != 1) {
    }
  });
  EXPECT_TRUE(std::filesystem::exists(gone));
}

TEST_F(RunRecordTest, RemovesTheOutcomeOfAnEarlierRun) {
  folder_.write("run/outcome.json", print_outcome({.status = RunStatus::finished}));
  RunRecord record(folder_ / "run", "output");
  write(record, print_event(LogEvent{"info", "one"}, 1) + "\n");
  while (read_file(events()).empty()) ::usleep(1000);
  EXPECT_FALSE(std::filesystem::exists(outcome()));
}

TEST_F(RunRecordTest, SurvivesItsRecorder) {
  RunRecord record(folder_ / "run", "output");
  for (const pid_t child : descendants(::getpid())) ::kill(child, SIGKILL);
  record.finish({.status = RunStatus::finished, .exit_code = 0});
  EXPECT_EQ(read_outcome(outcome())->status, RunStatus::finished);
}

TEST_F(RunRecordTest, SurvivesTheLossOfASubreaper) {
  RunRecord record(folder_ / "run", "output");
  {
    Process process({"sleep", "1000"});
    ::kill(process.subreaper(), SIGKILL);
    EXPECT_FALSE(process.wait().success());
  }
  write(record, print_event(LogEvent{"info", "one"}, 1) + "\n");
  record.finish({.status = RunStatus::finished, .exit_code = 0});
  EXPECT_NE(read_file(events()), "");
}

TEST_F(RunRecordTest, RefusesAFolderThatCannotHoldIt) {
  const auto file = folder_.write("file", "");
  EXPECT_THAT([&] { RunRecord(file, "--run-dir"); },
              ThrowsError(ErrorKind::job, AllOf(HasSubstr("--run-dir"), HasSubstr(file.string()),
                                                HasSubstr("is not a directory"))));
  EXPECT_THAT([] { RunRecord("/proc/run", "--run-dir"); },
              ThrowsError(ErrorKind::job, HasSubstr("--run-dir: /proc/run: cannot be made")));
}

}  // namespace
}  // namespace ringtrain::launcher
