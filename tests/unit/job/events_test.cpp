// SPDX-License-Identifier: Apache-2.0
#include "job/events.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringtrain {
namespace {

using testing::ElementsAre;

TEST(Events, AreRead) {
  const auto step = parse_event(
      "\x1e{\"event\":\"step\",\"epoch\":1,\"epochs\":3,\"step\":7,\"steps\":9,\"loss\":0.5,"
      "\"samples_per_second\":100.5,\"seconds_left\":2}");
  ASSERT_TRUE(step);
  EXPECT_EQ(std::get<StepEvent>(*step).step, 7);
  EXPECT_EQ(std::get<StepEvent>(*step).samples_per_second, 100.5);

  const auto failure = parse_event(
      "\x1e{\"event\":\"failure\",\"exit_code\":3,\"rank\":1,\"host\":\"h\",\"message\":\"m\"}");
  ASSERT_TRUE(failure);
  EXPECT_EQ(std::get<FailureEvent>(*failure).exit_code, 3);
  EXPECT_EQ(std::get<FailureEvent>(*failure).host, "h");

  const auto epoch = parse_event("\x1e{\"event\":\"epoch\",\"epoch\":0,\"test_loss\":null}");
  ASSERT_TRUE(epoch);
  EXPECT_FALSE(std::get<EpochEvent>(*epoch).test_loss);
}

TEST(Events, KeepEveryDigitOfTheResult) {
  const std::string result = R"({"name":"x","train_loss":0.30000000000000004,"steps":3})";
  const auto event = parse_event("\x1e{\"event\":\"result\"," + result.substr(1));
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<ResultEvent>(*event).result.dump(), result);
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
