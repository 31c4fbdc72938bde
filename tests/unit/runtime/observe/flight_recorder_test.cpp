// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/flight_recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "runtime/averaging/communication_thread.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

// Fails in the third all-reduce.
class Failing final : public Collectives {
 public:
  explicit Failing(bool overlaps) : overlaps_(overlaps) {}
  int rank() const override { return 0; }
  int size() const override { return 1; }
  Slabs slabs() override { return {}; }
  Range share(Range bucket) const override { return bucket; }
  void reduce_scatter(std::span<const Range>) override {}
  void all_gather(std::span<const Range>) override {}
  void broadcast() override {}
  void all_reduce(std::span<double>, Over) override {
    if (++sums_ == 3) throw lost_error("a peer is gone");
  }
  void barrier() override {}
  bool overlaps() const override { return overlaps_; }
  std::string describe() const override { return ""; }

 private:
  bool overlaps_;
  int sums_ = 0;
};

nlohmann::json read(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return nlohmann::json::parse(stream);
}

class FlightRecorderTest : public testing::TestWithParam<bool> {
 protected:
  TemporaryDirectory folder;
  std::filesystem::path file = folder.path() / "out/flight-1.json";
};

TEST_P(FlightRecorderTest, LeavesTheLastCallsWhereOneFails) {
  FlightRecorder recorder(file, 1, 2, std::chrono::hours(1));
  Failing collectives(GetParam());
  CommunicationThread thread(collectives, &recorder);
  double values[2] = {};
  thread.all_reduce(values);
  thread.all_gather({});
  thread.all_reduce(values);
  try {
    thread.all_reduce(values);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::lost);
    EXPECT_THAT(error.what(), testing::HasSubstr("a peer is gone"));
    EXPECT_THAT(error.what(), testing::HasSubstr(file.string()));
  }
  const auto found = read(file);
  EXPECT_EQ(found["rank"], 1);
  EXPECT_EQ(found["world_size"], 2);
  ASSERT_EQ(found["calls"].size(), 4);
  EXPECT_EQ(found["calls"][1]["operation"], "all_gather");
  EXPECT_EQ(found["calls"][2]["state"], "ended");
  EXPECT_EQ(found["calls"][3]["sequence"], 4);
  EXPECT_EQ(found["calls"][3]["bytes"], 16);
  EXPECT_EQ(found["calls"][3]["state"], "failed");
}

INSTANTIATE_TEST_SUITE_P(Threads, FlightRecorderTest, testing::Bool(), [](const auto& test) {
  return test.param ? "OnItsOwnThread" : "OnTheCallers";
});

TEST(FlightRecorder, KeepsTheNewestCalls) {
  const TemporaryDirectory folder;
  FlightRecorder recorder(folder.path() / "flight-0.json", 0, 1, std::chrono::hours(1));
  for (uint64_t i = 1; i <= 1000; ++i) {
    recorder.queued(i, "all_reduce", 8);
    recorder.started(i);
    if (i < 1000) recorder.ended(i);
  }
  recorder.failed(1000);
  const auto calls = read(folder.path() / "flight-0.json")["calls"];
  EXPECT_EQ(calls.size(), FlightRecorder::kCalls);
  EXPECT_EQ(calls.back()["sequence"], 1000);
}

TEST(FlightRecorder, RemovesWhatAnEarlierRunHasLeft) {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "flight-0.json";
  std::ofstream(file) << "{}";
  const FlightRecorder recorder(file, 0, 1, std::chrono::hours(1));
  EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace ringtrain
