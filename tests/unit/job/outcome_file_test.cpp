// SPDX-License-Identifier: Apache-2.0
#include "job/outcome_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

// No member at its default.
Outcome unusual() {
  return {.status = RunStatus::cancelled,
          .exit_code = 143,
          .cause = "stopped by signal 15 (Terminated)",
          .signal = 15,
          .rank = 1,
          .host = "node2",
          .attempts = 3,
          .started = *parse_time("2026-11-25T00:33:15.123Z"),
          .ended = *parse_time("2026-11-25T01:33:15.456Z")};
}

TEST(OutcomeFile, ComesBackAsItWas) {
  const TemporaryDirectory folder;
  write_outcome(folder / "outcome.json", unusual());
  EXPECT_EQ(read_outcome(folder / "outcome.json"), unusual());
  EXPECT_EQ(parse_outcome(print_outcome(Outcome{})), Outcome{});
}

// A key that the writer or the reader forgets cannot hide behind its default.
TEST(OutcomeFile, HoldsEveryMember) {
  const auto odd = nlohmann::json::parse(print_outcome(unusual()));
  const auto plain = nlohmann::json::parse(print_outcome(Outcome{}));
  EXPECT_EQ(odd.size(), 10U);
  for (const auto& [key, value] : plain.items()) {
    if (key == "version") continue;
    EXPECT_NE(odd.at(key), value) << key;
  }
  EXPECT_EQ(odd.at("started").get<std::string>(), "2026-11-25T00:33:15.123Z");
}

TEST(OutcomeFile, KnowsEveryStatus) {
  for (const auto& [status, name] :
       {std::pair(RunStatus::finished, "finished"), std::pair(RunStatus::cancelled, "cancelled"),
        std::pair(RunStatus::failed, "failed"), std::pair(RunStatus::lost, "lost"),
        std::pair(RunStatus::killed, "killed")}) {
    const std::string text = print_outcome({.status = status});
    EXPECT_EQ(nlohmann::json::parse(text).at("status").get<std::string>(), name);
    EXPECT_EQ(parse_outcome(text)->status, status);
  }
}

TEST(OutcomeFile, IsPrintedOnOneLineWhateverTheCause) {
  const std::string text = print_outcome({.cause = "two\nlines, and \xff"});
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(parse_outcome(text)->cause, "two\nlines, and \xef\xbf\xbd");
}

TEST(OutcomeFile, ThatIsBrokenOrNewerCountsAsMissing) {
  const TemporaryDirectory folder;
  EXPECT_FALSE(read_outcome(folder / "outcome.json"));
  for (const char* text :
       {"", "{", "[]", "{}", R"({"version": 2, "status": "lost"})", R"({"status": "other"})",
        R"({"status": 7})", R"({"status": "lost", "attempts": "many"})",
        R"({"status": "lost", "ended": "yesterday"})"}) {
    EXPECT_FALSE(parse_outcome(text)) << text;
  }
  EXPECT_EQ(parse_outcome(R"({"status": "lost", "more": 1})")->status, RunStatus::lost);
}

TEST(OutcomeFile, ThatCannotBeWrittenIsAnIoError) {
  EXPECT_THAT([] { write_outcome("/proc/outcome.json", {}); },
              ThrowsError(ErrorKind::io, testing::HasSubstr("/proc/outcome.json")));
}

}  // namespace
}  // namespace ringtrain
