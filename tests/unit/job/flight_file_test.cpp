// SPDX-License-Identifier: Apache-2.0
#include "job/flight_file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

class Flight : public testing::Test {
 protected:
  TemporaryDirectory folder;

  void leave(int rank, int world_size, int sequence, const std::string& state) const {
    std::ofstream(folder.path() / fmt::format("flight-{}.json", rank)) << fmt::format(
        R"({{"rank": {}, "world_size": {}, "reason": "", "written_at": 1000, "calls": [)"
        R"({{"sequence": {}, "operation": "publish", "bytes": 0, "state": "ended"}},)"
        R"({{"sequence": {}, "operation": "sum", "bytes": 16, "state": "{}"}}]}})",
        rank, world_size, sequence - 1, sequence, state);
  }
  std::string told(double since = 0) const { return who_is_behind(folder.path(), since); }
};

TEST_F(Flight, NothingIsSaidWithoutRecordsOfThisRun) {
  EXPECT_EQ(told(), "");
  leave(0, 2, 42, "failed");
  EXPECT_EQ(told(2000), "");
}

TEST_F(Flight, TheRankThatDidNotComeIsNamed) {
  leave(0, 3, 42, "failed");
  leave(1, 3, 40, "ended");
  leave(2, 3, 42, "started");
  EXPECT_EQ(told(),
            "rank 1 did not come to exchange 42 (sum, 16 bytes): the last one that it ended was 40 "
            "(sum)");
}

TEST_F(Flight, ARankThatLeftNothingIsNamed) {
  leave(1, 2, 42, "failed");
  EXPECT_THAT(told(), testing::StartsWith("rank 0 left no record"));
}

TEST_F(Flight, CallsThatOnlyWaitForTheirTurnDoNotCount) {
  leave(0, 2, 42, "queued");
  leave(1, 2, 42, "failed");
  EXPECT_THAT(told(), testing::StartsWith("rank 0 did not come to exchange 42"));
}

TEST_F(Flight, BrokenRecordsCountAsNotThere) {
  std::ofstream(folder.path() / "flight-0.json") << R"({"world_size": "many")";
  EXPECT_EQ(told(), "");
}

TEST_F(Flight, ComesBackAsItWas) {
  const FlightFile flight{.rank = 1,
                          .world_size = 2,
                          .reason = "a \"collective\" call failed",
                          .written_at = 1764200000.123456,
                          .calls = {{7, "publish", 16, FlightState::ended, 1.5, 2.5, 3.5},
                                    {8, "sum", 8, FlightState::queued, 4.5, 0, 0}}};
  const auto file = flight_path(folder.path(), 1);
  EXPECT_EQ(file.filename(), "flight-1.json");
  write_flight(file, flight);
  EXPECT_EQ(read_flight(file), flight);
}

TEST_F(Flight, RecordsOfLaterVersionsAreNotGuessed) {
  folder.write("flight-0.json", R"({"version": 2, "rank": 0})");
  EXPECT_FALSE(read_flight(flight_path(folder.path(), 0)));
}

}  // namespace
}  // namespace ringtrain
