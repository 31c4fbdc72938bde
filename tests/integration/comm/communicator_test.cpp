// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/comm/communicator_test.hpp"

#include "base/error.hpp"
#include "runtime/averaging/slab_layout.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain {

TEST_P(CommunicatorTest, SumsOverAllRanks) {
  for (const size_t elements : {1UL, 15UL, 17UL, 1000UL, 65'537UL, 1'000'003UL}) {
    const auto communicator = make(elements);
    Exchange exchange(*communicator);
    step(*communicator, exchange, cut_into_buckets(elements, 100'000), elements);
    step(*communicator, exchange, cut_into_buckets(elements, 100'000), elements);
  }
}

TEST_P(CommunicatorTest, TakesEmptySlabs) {
  const auto communicator = make(0);
  Exchange exchange(*communicator);
  step(*communicator, exchange, {}, 0);
}

TEST_P(CommunicatorTest, GivesTheSameBitsOnEveryRankAndInEveryRun) {
  constexpr size_t kElements = 50'001;
  std::string first;
  for (int run = 0; run < 3; ++run) {
    const auto communicator = make(kElements);
    Exchange exchange(*communicator);
    step(*communicator, exchange, {{0, kElements}}, kElements);
    const std::string bits(reinterpret_cast<const char*>(communicator->parameters()),
                           kElements * sizeof(float));
    if (run == 0) first = bits;
    EXPECT_EQ(bits == first, true);
    EXPECT_EQ(bits == world.broadcast(bits), true);
  }
}

TEST_P(CommunicatorTest, SumsManySmallValues) {
  const auto communicator = make(16);
  for (const size_t count : {1UL, 5UL, 8192UL, 20'000UL}) {
    std::vector<double> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<double>(i) + world.rank();
    communicator->sum(values);
    const double ranks = world.size();
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(values[i], ranks * static_cast<double>(i) + ranks * (ranks - 1) / 2);
    }
  }
}

TEST_P(CommunicatorTest, SharesOfANodeCoverEachBucketOnce) {
  const auto communicator = make(100'000);
  for (const Range bucket :
       {Range{0, 100'000}, Range{16, 33}, Range{7, 7}, Range{99'999, 100'000}}) {
    std::vector<double> covered(bucket.size());
    const Range share = communicator->share(bucket);
    for (size_t i = share.begin; i < share.end; ++i) covered[i - bucket.begin] = 1;
    communicator->sum_over_shares(covered);
    for (const double times : covered) ASSERT_EQ(times, 1);
  }
}

TEST_P(CommunicatorTest, GivesUpOnARankThatDoesNotCome) {
  if (world.size() == 1) return;  // nobody to wait for
  const auto communicator = make(1000, 0.3);
  if (world.rank() != world.size() - 1) {
    std::vector<double> values(1);
    // Ranks that only wait for those who wait give up too, one after the other.
    EXPECT_THAT([&] { communicator->sum(values); }, ThrowsError(ErrorKind::lost));
  }
  world.barrier();
}

TEST_P(CommunicatorTest, SpreadsTheFirstRanksParameters) {
  constexpr size_t kElements = 70'001;
  const auto communicator = make(kElements);
  if (communicator->is_first()) {
    for (size_t i = 0; i < kElements; ++i) communicator->parameters()[i] = value(7, i);
  }
  communicator->spread_parameters();
  for (size_t i = 0; i < kElements; ++i) ASSERT_EQ(communicator->parameters()[i], value(7, i));
}

// Whoever can read all slabs gets the same bits from them as from reduce().
TEST_P(CommunicatorTest, SlabsAddUpToTheSum) {
  constexpr size_t kElements = 1000;
  const std::vector<Range> all = {{0, kElements}};
  const auto communicator = make(kElements);
  for (size_t i = 0; i < kElements; ++i) write(*communicator, i, value(world.rank(), i));
  double nothing = 0;
  communicator->sum({&nothing, 1});
  const auto slabs = communicator->slabs();
  if (slabs.empty()) return;
  const Range share = communicator->share({0, kElements});
  std::vector<float> expected;
  for (size_t i = share.begin; i < share.end; ++i) {
    float total = slabs[0][i];
    for (size_t s = 1; s < slabs.size(); ++s) total += slabs[s][i];
    expected.push_back(total);
  }
  communicator->reduce(all[0]);
  for (size_t i = share.begin; i < share.end; ++i) {
    ASSERT_EQ(communicator->gradients()[i], expected[i - share.begin]);
  }
  communicator->publish(all);
}

}  // namespace ringtrain
