// SPDX-License-Identifier: Apache-2.0
#include "collectives/meeting.hpp"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "base/error.hpp"
#include "base/machine.hpp"
#include "collectives/communicator.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/collectives/forked_members.hpp"

namespace ringtrain::collectives {
namespace {

using testing::Each;
using testing::HasSubstr;
using namespace std::chrono_literals;

class MeetingTest : public testing::TestWithParam<int> {};

TEST_P(MeetingTest, GivesAllRanksTheSameMemory) {
  EXPECT_THAT(run_members(GetParam(),
                          [](const auto& region) {
                            Communicator group(region);
                            *region->slot(region->rank(), 0) = std::byte(region->rank() + 1);
                            group.barrier(1min);
                            for (int r = 0; r < region->size(); ++r)
                              ASSERT_EQ(*region->slot(r, 0), std::byte(r + 1));
                            group.barrier(1min);
                          }),
              Each(0));
}

TEST_P(MeetingTest, IsNotMisledByWhatADeadAttemptLeftInTheStore) {
  const TemporaryDirectory folder;
  const Store store = store_of_files(folder.path());
  for (int r = 0; r < GetParam(); ++r) {
    store.set("hello/" + std::to_string(r), "0123456789abcdef elsewhere");
    store.set("welcome/" + std::to_string(r), "0123456789abcdef fedcba9876543210");
    store.set("ack/" + std::to_string(r), "0123456789abcdef fedcba9876543210");
    store.set("verdict/" + std::to_string(r), "0123456789abcdef here ringtrain-gone 262144 0 0");
  }
  EXPECT_THAT(run_ranks(GetParam(),
                        [&](const Node& node) {
                          if (node.rank > 0) usleep(50'000);
                          const Member member = {
                              .rank = node.rank, .size = node.size, .timeout = 1min};
                          ASSERT_TRUE(std::holds_alternative<Meeting>(meet(store, member)));
                        }),
              Each(0));
}

INSTANTIATE_TEST_SUITE_P(Ranks, MeetingTest, testing::Values(1, 2, 3, 8));

TEST(Meeting, FindsOnEveryRankWhoIsElsewhere) {
  const TemporaryDirectory folder;
  EXPECT_THAT(
      run_ranks(5,
                [&](const Node& node) {
                  if (node.rank == 1) setenv("RINGTRAIN_NODE", "another", 1);
                  if (node.rank == 2 || node.rank == 4) setenv("RINGTRAIN_NODE", "two", 1);
                  const Member member = {.rank = node.rank, .size = node.size, .timeout = 1min};
                  const auto apart = std::get<Apart>(meet(store_of_files(folder.path()), member));
                  EXPECT_THAT(apart.nodes, testing::ElementsAre(0, 1, 2, 0, 2));
                  // The name is rank 0's, and new each time.
                  std::ofstream(folder.path() / "names", std::ios::app) << apart.name + "\n";
                }),
      Each(0));
  std::multiset<std::string> names;
  std::ifstream lines(folder.path() / "names");
  names.insert(std::istream_iterator<std::string>(lines), {});
  EXPECT_EQ(names.count(*names.begin()), 5U);
}

TEST(Meeting, CallsRanksByTheNamesThatAMemberHas) {
  const TemporaryDirectory folder;
  EXPECT_THAT(
      run_ranks(
          2,
          [&](const Node& node) {
            const Member member = {
                .rank = node.rank, .size = node.size, .timeout = 1min, .names = {3, 7}};
            const auto region = std::make_shared<SharedRegion>(
                std::get<Meeting>(meet(store_of_files(folder.path()), member)), node.rank,
                node.size);
            std::array<std::byte, 8> data;
            const size_t count = node.rank == 0 ? 4 : 8;
            EXPECT_THAT(
                [&] {
                  Communicator(region).broadcast({data.data(), count, ElementType::uint8}, 0, 1min);
                },
                ThrowsError(ErrorKind::lost, HasSubstr("ranks 3 and 7 made")));
          }),
      Each(0));
}

TEST(Meeting, TakesANameWithSpacesAndIgnoresAnEmptyOne) {
  for (const char* name : {"node 7, upper rack", ""}) {
    const TemporaryDirectory folder;
    EXPECT_THAT(run_ranks(2,
                          [&](const Node& node) {
                            setenv("RINGTRAIN_NODE", name, 1);
                            if (*name == '\0' && node.rank == 1) unsetenv("RINGTRAIN_NODE");
                            const Member member = {
                                .rank = node.rank, .size = node.size, .timeout = 1min};
                            ASSERT_TRUE(std::holds_alternative<Meeting>(
                                meet(store_of_files(folder.path()), member)));
                          }),
                Each(0));
  }
}

TEST(Meeting, NamesTheRankThatEndsInTheMiddle) {
  for (const char* last_key : {"ack/1", ""}) {
    const TemporaryDirectory folder;
    const auto ended = run_ranks(3, [&](const Node& node) {
      Store store = store_of_files(folder.path());
      store.set = [set = store.set, last_key](const std::string& key, const std::string& value) {
        set(key, value);
        if (key == last_key) raise(SIGKILL);
      };
      const Member member = {.rank = node.rank, .size = node.size, .timeout = 1min};
      std::string message = "none";
      try {
        auto meeting = std::get<Meeting>(meet(store, member));
        if (node.rank == 1) raise(SIGKILL);
        SharedRegion(std::move(meeting), node.rank, node.size);
      } catch (const Error& error) {
        message = error.what();
      }
      EXPECT_THAT(message, HasSubstr("rank 1 ended at the start"));
    });
    EXPECT_THAT(ended, testing::ElementsAre(0, SIGKILL, 0)) << last_key;
  }
}

TEST(Meeting, HasNoArenaWhereTheAddressesOfARankAreLimited) {
  const TemporaryDirectory folder;
  EXPECT_THAT(
      run_ranks(2,
                [&](const Node& node) {
                  size_t pages = 0;
                  std::ifstream("/proc/self/statm") >> pages;
                  const size_t limit = pages * 4096 + (size_t{1} << 30);
                  const rlimit most = {limit, limit};
                  if (node.rank == 1) setrlimit(RLIMIT_AS, &most);
                  const Member member = {.rank = node.rank, .size = node.size, .timeout = 1min};
                  auto meeting = std::get<Meeting>(meet(store_of_files(folder.path()), member));
                  EXPECT_EQ(meeting.arena_bytes, 0U);
                  SharedRegion(std::move(meeting), node.rank, node.size);
                }),
      Each(0));
}

// As mpirun binds them.
TEST(Meeting, CountsTheCoresOfAllRanks) {
  const int cores = std::min(2, this_machine_cores().usable());
  const TemporaryDirectory folder;
  EXPECT_THAT(run_ranks(cores,
                        [&](const Node& node) {
                          cpu_set_t all, one;
                          sched_getaffinity(0, sizeof all, &all);
                          std::set<std::string> seen;  // the first CPU of this rank's core
                          for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
                            if (!CPU_ISSET(cpu, &all)) continue;
                            CPU_ZERO(&one);
                            CPU_SET(cpu, &one);
                            ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
                            seen.merge(this_machine_core_names());
                            if (static_cast<int>(seen.size()) > node.rank) break;
                          }
                          const Member member = {
                              .rank = node.rank, .size = node.size, .timeout = 1min};
                          const auto meeting =
                              std::get<Meeting>(meet(store_of_files(folder.path()), member));
                          EXPECT_FALSE(meeting.oversubscribed);
                        }),
              Each(0));
}

TEST(Meeting, NamesTheRankThatDoesNotCome) {
  const TemporaryDirectory folder;
  EXPECT_THAT(run_ranks(3,
                        [&](const Node& node) {
                          if (node.rank == 1) return;
                          const Member member = {
                              .rank = node.rank, .size = node.size, .timeout = 200ms};
                          EXPECT_THAT([&] { meet(store_of_files(folder.path()), member); },
                                      ThrowsError(ErrorKind::lost, HasSubstr("Timed out: rank ")));
                        }),
              Each(0));
}

}  // namespace
}  // namespace ringtrain::collectives
