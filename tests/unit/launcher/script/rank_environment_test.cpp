// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/rank_environment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "base/error.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain::launcher {
namespace {

TEST(TheEnvironmentOfARank, IsTorchruns) {
  RankSpec spec;
  spec.master_address = "node1";
  spec.master_port = 29501;
  spec.slots = {2, 1};
  spec.max_restarts = 3;
  spec.run_id = "train-1";
  spec.log_folder = "/logs";
  ::unsetenv("OMP_NUM_THREADS");
  const Environment list = environment_of_rank(
      spec, {.rank = 2, .local_rank = 0, .world_size = 3, .local_world_size = 1}, 2, 5);
  const std::map<std::string, std::string> environment(list.begin(), list.end());
  const std::map<std::string, std::string> expected = {
      {"RANK", "2"},
      {"LOCAL_RANK", "0"},
      {"WORLD_SIZE", "3"},
      {"LOCAL_WORLD_SIZE", "1"},
      {"GROUP_RANK", "1"},
      {"GROUP_WORLD_SIZE", "2"},
      {"MASTER_ADDR", "node1"},
      {"MASTER_PORT", "29501"},
      {"TORCHELASTIC_RESTART_COUNT", "1"},
      {"TORCHELASTIC_MAX_RESTARTS", "3"},
      {"TORCHELASTIC_RUN_ID", "train-1"},
      {"OMP_NUM_THREADS", "5"},
      {"RINGTRAIN_RUN", "1"},
      {"RINGTRAIN_STACKS", "/logs/attempt-2/rank-2.stacks"},
      {"RINGTRAIN_SAVED", "/logs/attempt-2/rank-2.saved"},
  };
  for (const auto& [name, value] : expected) EXPECT_EQ(environment.at(name), value) << name;
}

TEST(TheEnvironmentOfARank, HasTheJobsVariablesAndItsOutput) {
  RankSpec spec;
  spec.slots = {1};
  spec.output = "/runs/a";
  spec.environment = {{"OMP_NUM_THREADS", "7"}, {"MINE", "x"}};
  ::unsetenv("OMP_NUM_THREADS");
  const Environment list = environment_of_rank(spec, {}, 1, 5);
  const std::multimap<std::string, std::string> environment(list.begin(), list.end());
  EXPECT_EQ(environment.count("OMP_NUM_THREADS"), 1U);
  EXPECT_EQ(environment.find("OMP_NUM_THREADS")->second, "7");
  EXPECT_EQ(environment.find("MINE")->second, "x");
  EXPECT_EQ(environment.find("RINGTRAIN_OUTPUT")->second, "/runs/a");
}

TEST(ARankSpec, PlacesRanksOnTheirHosts) {
  RankSpec spec;
  spec.hosts = {"a", "b"};
  spec.slots = {2, 1};
  const std::vector<RankPlacement> expected = {{0, "a", ""}, {1, "a", ""}, {2, "b", ""}};
  EXPECT_EQ(placement_of(spec), expected);
}

TEST(ARankSpec, ComesBackAsItWas) {
  const RankSpec spec{.master_address = "h",
                      .master_port = 1,
                      .fixed_port = true,
                      .hosts = {"a", "b"},
                      .slots = {1, 2},
                      .max_restarts = 3,
                      .restart_failures = true,
                      .run_id = "id",
                      .log_folder = "/l",
                      .tee = "3",
                      .redirects = "1",
                      .shown = {0, 1},
                      .silence = 2.5,
                      .directory = "/d",
                      .output = "/o",
                      .environment = {{"A", "b"}}};
  EXPECT_EQ(parse_rank_spec(print_rank_spec(spec)), spec);
}

TEST(Streams, AreChosenForAllRanksOrByLocalRank) {
  EXPECT_FALSE(Streams("0", "--tee").has(0, false));
  EXPECT_TRUE(Streams("1", "--tee").has(7, false));
  EXPECT_FALSE(Streams("1", "--tee").has(7, true));
  EXPECT_TRUE(Streams("0:3,1:2", "--tee").has(1, true));
  EXPECT_FALSE(Streams("0:3,1:2", "--tee").has(1, false));
  EXPECT_FALSE(Streams("0:3,1:2", "--tee").has(2, true));
  for (const char* text : {"", "4", "x", "1:", "0:9", "-1"}) {
    EXPECT_THAT([&] { Streams(text, "--tee"); },
                ThrowsError(ErrorKind::job, testing::StartsWith("--tee")))
        << text;
  }
}

}  // namespace
}  // namespace ringtrain::launcher
