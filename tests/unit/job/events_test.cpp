// SPDX-License-Identifier: Apache-2.0
#include "job/events.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace ringtrain {
namespace {

using testing::ElementsAre;

Result unusual_result() {
  Result result;
  result.name = "x";
  result.train_loss = 0.1 + 0.2;
  result.steps = 3;
  return result;
}

// One of each kind, no member at its default.
std::vector<Event> every_kind() {
  return {
      StartedEvent{{{0, "n1", "cpu"}, {1, "n2", "cuda:0"}}, 2, 7, 100, 3, "mpi", 1.5},
      StepEvent{2, 3, 7, 9, 0.5, 100.5, 2},
      EpochEvent{2, 3, 7, 640, 0.05, 0.3, 0.4, 0.5, std::vector{1.5, 2.0}, std::vector{0.5, 1.0},
                 1.5, RankSpeed{1, "n2", 0.2, 0.1}},
      RanksEvent{7, 640, 2, {0.5, 0.25}, 0.25, 0.01, Seconds{.compute = 1.5, .data_wait = 0.5}},
      CheckpointEvent{7, "runs/a/checkpoints/7", 1234, 0.25, 0.01},
      StoppedEvent{7, 9, 640, "runs/a/checkpoints/7"},
      EvaluatingEvent{12},
      LostHostEvent{"n2"},
      PausedEvent{"n2", "; rank 1 is paused (SIGSTOP)"},
      LogEvent{"warning", "text"},
      ResultEvent{unusual_result()},
      FailureEvent{2, false, 1, "n2", "what is wrong"},
      RankEndedEvent{1, "n2", 3, 9, "ValueError: x", true, true, "/logs/rank-1.log"},
      RankSilentEvent{1, "n2", false, 25.5, "train.py:60 in load", "all_reduce"},
  };
}

TEST(Events, ComeBackAsTheyWere) {
  const std::vector<Event> events = every_kind();
  ASSERT_EQ(events.size(), std::variant_size_v<Event>);
  const Time time = *parse_time("2026-11-25T00:33:15.123Z");
  for (size_t kind = 0; kind < events.size(); ++kind) {
    EXPECT_EQ(events[kind].index(), kind);
    const std::string line = print_event(events[kind], 3, time);
    const auto record = parse_event(line);
    ASSERT_TRUE(record) << line;
    EXPECT_EQ(record->event, events[kind]) << line;
    EXPECT_EQ(record->time, time);
    EXPECT_EQ(record->attempt, 3);
  }
}

TEST(Events, AreOneLineWithKindVersionTimeAndAttempt) {
  const std::string line =
      print_event(LogEvent{"info", "two\nlines"}, 2, *parse_time("2026-11-25T00:33:15.007Z"));
  EXPECT_EQ(line,
            "\x1e{\"event\":\"log\",\"version\":1,\"time\":\"2026-11-25T00:33:15.007Z\","
            "\"attempt\":2,\"level\":\"info\",\"message\":\"two\\nlines\"}");
}

TEST(Events, OfEarlierVersionsAreRead) {
  const auto step = parse_event(
      "\x1e{\"event\":\"step\",\"epoch\":1,\"epochs\":3,\"step\":7,\"steps\":9,\"loss\":0.5,"
      "\"samples_per_second\":100.5,\"seconds_left\":2}");
  ASSERT_TRUE(step);
  EXPECT_EQ(std::get<StepEvent>(step->event).step, 7);
  EXPECT_EQ(std::get<StepEvent>(step->event).samples_per_second, 100.5);
  EXPECT_FALSE(step->time);
  EXPECT_EQ(step->attempt, 1);

  const auto failure = parse_event(
      "\x1e{\"event\":\"failure\",\"exit_code\":3,\"rank\":1,\"host\":\"h\",\"message\":\"m\"}");
  ASSERT_TRUE(failure);
  EXPECT_EQ(std::get<FailureEvent>(failure->event).exit_code, 3);
  EXPECT_EQ(std::get<FailureEvent>(failure->event).host, "h");
  EXPECT_FALSE(std::get<FailureEvent>(failure->event).again);

  const auto epoch = parse_event("\x1e{\"event\":\"epoch\",\"epoch\":0,\"test_loss\":null}");
  ASSERT_TRUE(epoch);
  EXPECT_FALSE(std::get<EpochEvent>(epoch->event).test_loss);
}

TEST(Events, OfLaterVersionsAreNotGuessed) {
  EXPECT_FALSE(parse_event("\x1e{\"event\":\"evaluating\",\"version\":2,\"batches\":3}"));
}

TEST(Events, KeepEveryDigitOfTheResult) {
  const auto record = parse_event(print_event(ResultEvent{unusual_result()}, 1));
  ASSERT_TRUE(record);
  EXPECT_EQ(std::get<ResultEvent>(record->event).result.train_loss, 0.1 + 0.2);
}

TEST(Events, ReplaceTextThatIsNotUtf8) {
  const auto record = parse_event(print_event(LogEvent{"info", "a\xff"}, 1));
  ASSERT_TRUE(record);
  EXPECT_EQ(std::get<LogEvent>(record->event).message, "a\xef\xbf\xbd");
}

TEST(Events, KnowALossThatIsNotFinite) {
  StepEvent step;
  step.loss = std::numeric_limits<double>::infinity();
  const auto record = parse_event(print_event(step, 1));
  ASSERT_TRUE(record);
  EXPECT_TRUE(std::isnan(std::get<StepEvent>(record->event).loss));
}

TEST(Events, TakeTheAttemptFromTheEnvironment) {
  ASSERT_EQ(::unsetenv(kAttemptVariable), 0);
  EXPECT_EQ(attempt_from_environment(), 1);
  ::setenv(kAttemptVariable, "4", 1);
  EXPECT_EQ(attempt_from_environment(), 4);
  ::setenv(kAttemptVariable, "x", 1);
  EXPECT_EQ(attempt_from_environment(), 1);
  ::unsetenv(kAttemptVariable);
}

TEST(HistoryLine, HasEveryKeyOnItsPage) {
  const auto page = read_file(std::filesystem::path(JOB_REFERENCE).parent_path() / "history.md");
  const auto line =
      nlohmann::json::parse(print_history_line(std::get<EpochEvent>(every_kind()[2])));
  for (const auto& [key, value] : line.items()) {
    EXPECT_THAT(page, testing::HasSubstr("`" + key + "`"));
  }
  for (const auto& [key, value] : line["step_seconds"].items()) {
    EXPECT_THAT(page, testing::HasSubstr("\"" + key + "\""));
  }
}

TEST(HistoryLine, ComesBackAsItWas) {
  const auto epoch = std::get<EpochEvent>(every_kind()[2]);
  EXPECT_EQ(parse_history_line(print_history_line(epoch)), epoch);
  EXPECT_FALSE(parse_history_line(R"({"epoch":1,"ste)"));
  EXPECT_FALSE(parse_history_line("[]"));
}

TEST(Events, AreNotOtherLines) {
  EXPECT_FALSE(parse_event("{\"event\":\"step\"}"));
  EXPECT_FALSE(parse_event(""));
  EXPECT_FALSE(parse_event("\x1e"));
  EXPECT_FALSE(parse_event("\x1e{\"event\":\"st"));
  EXPECT_FALSE(parse_event("\x1e[]"));
  EXPECT_FALSE(parse_event("\x1e{\"event\":7}"));
  EXPECT_FALSE(parse_event("\x1e{\"event\":\"other\"}"));
  EXPECT_FALSE(parse_event("\x1e{\"event\":\"step\",\"step\":\"x\"}"));
}

TEST(Lines, AreCutAtNewlinesAndAtEvents) {
  std::vector<std::string> taken;
  const Lines::Take take = [&](const std::string& line) { taken.push_back(line); };
  Lines lines;
  lines.feed("one\ntw", take);
  lines.feed("o\n\npart\x1e{", take);
  lines.feed("}\nlast", take);
  lines.finish(take);
  lines.finish(take);
  EXPECT_THAT(taken, ElementsAre("one", "two", "", "part", "\x1e{}", "last"));
}

}  // namespace
}  // namespace ringtrain
