// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/trace.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

nlohmann::json spans_of(const std::string& events) {
  nlohmann::json spans = nlohmann::json::array();
  for (const auto& event : nlohmann::json::parse("[" + events + "]")) {
    if (event["ph"] != "M") spans.push_back(event);
  }
  return spans;
}

TEST(Trace, SpansNestAndFollowEachOther) {
  Trace trace(3, "node\"7");
  {
    Span outer(&trace, "step", "number", 41);
    Span phase(&trace, "forward");
    phase.next("backward");
  }
  const auto spans = spans_of(trace.events());
  ASSERT_EQ(spans.size(), 3);
  const auto begin = [&](size_t i) { return spans[i]["ts"].get<double>(); };
  const auto end = [&](size_t i) { return begin(i) + spans[i]["dur"].get<double>(); };
  EXPECT_EQ(spans[0]["name"], "forward");
  EXPECT_EQ(spans[1]["name"], "backward");
  EXPECT_EQ(spans[2]["name"], "step");
  EXPECT_EQ(spans[2]["args"]["number"], 41);
  EXPECT_EQ(spans[2]["pid"], 3);
  EXPECT_LE(begin(2), begin(0));
  EXPECT_LE(end(0), begin(1) + 0.002);  // printed to a nanosecond
  EXPECT_LE(end(1), end(2) + 0.002);
}

TEST(Trace, SaysWhatTheProcessUsedMeanwhile) {
  const Trace trace(1, "node");
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(30)) {
  }
  nlohmann::json usage;
  for (const auto& event : nlohmann::json::parse("[" + trace.events() + "]")) {
    if (event["name"] == "process_usage") usage = event;
  }
  EXPECT_EQ(usage["pid"], 1);
  EXPECT_GT(
      usage["args"]["user_seconds"].get<double>() + usage["args"]["system_seconds"].get<double>(),
      0);
  EXPECT_LT(usage["args"]["user_seconds"].get<double>(), 10);
  EXPECT_GE(usage["args"]["preemptions"].get<int>(), 0);
}

TEST(Trace, KeepsTheNewestEvents) {
  Trace trace(0, "node", 4);
  for (int i = 0; i < 10; ++i) trace.add_moment(Trace::Track::training, "ready", "number", i);
  const auto events = spans_of(trace.events());
  ASSERT_EQ(events.size(), 4);
  int sum = 0;
  for (const auto& event : events) sum += event["args"]["number"].get<int>();
  EXPECT_EQ(sum, 6 + 7 + 8 + 9);
}

TEST(Trace, TakesEventsOfSeveralThreads) {
  Trace trace(0, "node", 100);
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) {
      const Span span(&trace, "reduce", nullptr, 0, Trace::Track::communication);
    }
  });
  for (int i = 0; i < 1000; ++i) {
    const Span span(&trace, "forward");
  }
  other.join();
  EXPECT_EQ(spans_of(trace.events()).size(), 100);
}

TEST(Trace, WithoutOneSpansDoNothing) {
  Span span(nullptr, "step");
  span.next("other");
}

TEST(Trace, JoinsRanksInOneFile) {
  const TemporaryDirectory folder;
  const Trace first(0, "a");
  const Trace second(1, "b");
  write_trace(folder.path() / "trace.json", {first.events(), second.events()});
  std::ifstream file(folder.path() / "trace.json");
  EXPECT_EQ(nlohmann::json::parse(file)["traceEvents"].size(), 8);
  EXPECT_THAT([&] { write_trace(folder.path() / "not/there.json", {}); },
              ThrowsError(ErrorKind::io));
}

}  // namespace
}  // namespace ringtrain
