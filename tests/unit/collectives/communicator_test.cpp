// SPDX-License-Identifier: Apache-2.0
// Every operation against a serial reference, with data outside and inside the arena.
#include "collectives/communicator.hpp"

#include <gmock/gmock.h>

#include <numeric>
#include <tuple>

#include "collectives/arena.hpp"
#include "tests/unit/collectives/forked_members.hpp"

namespace ringtrain::collectives {
namespace {

using testing::Each;
using namespace std::chrono_literals;

// Odd ones, one that fills a slot, and some that need several.
const std::vector<size_t> kCounts = {0, 1, 7, 1000, 65'536, 300'011};

int32_t value(int rank, size_t i) {
  return static_cast<int32_t>(i * 7 + 1000 * static_cast<size_t>(rank));
}

Elements elements(std::vector<int32_t>& values) {
  return {reinterpret_cast<std::byte*>(values.data()), values.size(), ElementType::int32};
}

std::vector<int32_t> values_of(int rank, size_t count) {
  std::vector<int32_t> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = value(rank, i);
  return values;
}

// The parts of a vector, one a rank.
std::vector<Elements> parts_of(std::vector<int32_t>& values, size_t count) {
  std::vector<Elements> parts;
  for (size_t begin = 0; begin + count <= values.size() && (count > 0 || parts.size() < 8);
       begin += count)
    parts.push_back(
        {reinterpret_cast<std::byte*>(values.data() + begin), count, ElementType::int32});
  return parts;
}

int32_t sum_of(int size, size_t i) {
  int32_t sum = 0;
  for (int r = 0; r < size; ++r) sum += value(r, i);
  return sum;
}

class CommunicatorTest : public testing::TestWithParam<int> {
 protected:
  // f(group, count) for every count.
  void run(const std::function<void(Communicator&, size_t)>& f) {
    EXPECT_THAT(run_members(GetParam(),
                            [&](const auto& region) {
                              Communicator group(region);
                              for (const size_t count : kCounts) f(group, count);
                            }),
                Each(0));
  }
};

TEST_P(CommunicatorTest, AllReduces) {
  run([](Communicator& group, size_t count) {
    auto mine = values_of(group.rank(), count);
    group.all_reduce(elements(mine), {}, 1min);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(mine[i], sum_of(group.size(), i)) << count;
  });
}

TEST_P(CommunicatorTest, AllReducesInTheArenaAndWhereSomeRanksAreOutside) {
  EXPECT_THAT(run_members(GetParam(),
                          [](const auto& region) {
                            Communicator group(region);
                            Arena arena(region);
                            for (const size_t count : kCounts) {
                              auto* block = reinterpret_cast<int32_t*>(arena.allocate(4 * count));
                              ASSERT_NE(block, nullptr);
                              for (int inside = 0; inside <= group.size(); ++inside) {
                                auto mine = values_of(group.rank(), count);
                                std::copy(mine.begin(), mine.end(), block);
                                int32_t* data = group.rank() < inside ? block : mine.data();
                                group.all_reduce(
                                    {reinterpret_cast<std::byte*>(data), count, ElementType::int32},
                                    {}, 1min);
                                for (size_t i = 0; i < count; ++i)
                                  ASSERT_EQ(data[i], sum_of(group.size(), i));
                              }
                              arena.free(reinterpret_cast<std::byte*>(block));
                            }
                          }),
              Each(0));
}

TEST_P(CommunicatorTest, ReducesToOneRankAndLeavesTheOthersAlone) {
  run([](Communicator& group, size_t count) {
    const int root = group.size() - 1;
    auto mine = values_of(group.rank(), count);
    group.reduce(elements(mine), {.how = Reduction::max}, root, 1min);
    for (size_t i = 0; i < count; ++i)
      ASSERT_EQ(mine[i], value(group.rank() == root ? root : group.rank(), i));
  });
}

TEST_P(CommunicatorTest, BroadcastsFromAnyRank) {
  run([](Communicator& group, size_t count) {
    for (int root = 0; root < group.size(); ++root) {
      auto mine = values_of(group.rank(), count);
      group.broadcast(elements(mine), root, 1min);
      ASSERT_EQ(mine, values_of(root, count));
    }
  });
}

TEST_P(CommunicatorTest, GathersOnAllRanksAndOnOne) {
  run([](Communicator& group, size_t count) {
    const auto ranks = static_cast<size_t>(group.size());
    auto mine = values_of(group.rank(), count);
    std::vector<int32_t> all(ranks * count), at_root(ranks * count);
    auto parts = parts_of(all, count), root_parts = parts_of(at_root, count);
    parts.resize(ranks), root_parts.resize(ranks);
    group.all_gather(elements(mine), parts, 1min);
    group.gather(elements(mine), group.rank() == 0 ? root_parts : std::vector<Elements>{}, 0, 1min);
    for (size_t r = 0; r < ranks; ++r) {
      for (size_t i = 0; i < count; ++i) {
        ASSERT_EQ(all[r * count + i], value(static_cast<int>(r), i));
        ASSERT_EQ(at_root[r * count + i], group.rank() == 0 ? value(static_cast<int>(r), i) : 0);
      }
    }
  });
}

TEST_P(CommunicatorTest, GathersInPlaceInTheArena) {
  EXPECT_THAT(run_members(GetParam(),
                          [](const auto& region) {
                            Communicator group(region);
                            Arena arena(region);
                            const size_t count = 70'001;
                            const auto ranks = static_cast<size_t>(group.size());
                            auto* all =
                                reinterpret_cast<int32_t*>(arena.allocate(ranks * count * 4));
                            std::vector<Elements> parts;
                            for (size_t r = 0; r < ranks; ++r)
                              parts.push_back({reinterpret_cast<std::byte*>(all + r * count), count,
                                               ElementType::int32});
                            const auto own = static_cast<size_t>(group.rank());
                            const auto mine = values_of(group.rank(), count);
                            std::copy(mine.begin(), mine.end(), all + own * count);
                            group.all_gather(parts[own], parts, 1min);
                            for (size_t i = 0; i < ranks * count; ++i)
                              ASSERT_EQ(all[i], value(static_cast<int>(i / count), i % count));
                          }),
              Each(0));
}

TEST_P(CommunicatorTest, ScattersAndReduceScatters) {
  run([](Communicator& group, size_t count) {
    const auto ranks = static_cast<size_t>(group.size());
    const auto own = static_cast<size_t>(group.rank()) * count;
    auto all = values_of(group.rank(), ranks * count);
    auto parts = parts_of(all, count);
    parts.resize(ranks);
    std::vector<int32_t> mine(count);
    group.reduce_scatter(parts, elements(mine), {}, 1min);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(mine[i], sum_of(group.size(), own + i));
    group.scatter(group.rank() == 0 ? parts : std::vector<Elements>{}, elements(mine), 0, 1min);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(mine[i], value(0, own + i));
  });
}

// Rank a sends rank b  count * (a + 2 b) % 3  elements, so some pairs have none.
TEST_P(CommunicatorTest, SendsPartsOfDifferentSizesFromAllToAll) {
  run([](Communicator& group, size_t count) {
    const auto size_of_part = [&](int from, int to) {
      return count * static_cast<size_t>((from + 2 * to) % 3) / 2;
    };
    std::vector<std::vector<int32_t>> out, in;
    std::vector<Elements> send, receive;
    for (int r = 0; r < group.size(); ++r) {
      out.push_back(values_of(10 * group.rank() + r, size_of_part(group.rank(), r)));
      in.emplace_back(size_of_part(r, group.rank()));
    }
    for (auto& part : out) send.push_back(elements(part));
    for (auto& part : in) receive.push_back(elements(part));
    group.all_to_all(send, receive, 1min);
    for (int r = 0; r < group.size(); ++r)
      ASSERT_EQ(in[static_cast<size_t>(r)],
                values_of(10 * r + group.rank(), size_of_part(r, group.rank())));
  });
}

TEST_P(CommunicatorTest, ScalesBeforeItSums) {
  run([](Communicator& group, size_t count) {
    std::vector<float> mine(count, 1);
    const double factor = group.rank() + 1;
    group.all_reduce({reinterpret_cast<std::byte*>(mine.data()), count, ElementType::float32},
                     {.how = Reduction::scaled_sum, .factor = factor}, 1min);
    ASSERT_THAT(mine, Each(static_cast<float>(group.size() * (group.size() + 1) / 2)));
  });
}

// Slots are used in turn, so a fast rank must not overwrite what a slow one still reads.
TEST_P(CommunicatorTest, KeepsCallsApartWhereRanksRunAheadOfEachOther) {
  EXPECT_THAT(run_members(GetParam(),
                          [](const auto& region) {
                            Communicator group(region);
                            for (int round = 0; round < 1000; ++round) {
                              std::vector<int32_t> mine = {round, group.rank()};
                              if (round % 3 == 0) {
                                group.broadcast(elements(mine), round % group.size(), 1min);
                                ASSERT_EQ(mine[1], round % group.size());
                              } else {
                                group.all_reduce(elements(mine), {}, 1min);
                                ASSERT_EQ(mine[0], round * group.size());
                              }
                              if (round % 7 == group.rank()) usleep(100);
                            }
                          }),
              Each(0));
}

INSTANTIATE_TEST_SUITE_P(Ranks, CommunicatorTest, testing::Values(1, 2, 3, 4, 8));

}  // namespace
}  // namespace ringtrain::collectives
