// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/comm/backend_suite.hpp"

#include "base/error.hpp"
#include "runtime/averaging/slab_layout.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain {

TEST_P(BackendTest, SumsOverAllRanks) {
  for (const size_t elements : {1UL, 15UL, 17UL, 1000UL, 65'537UL, 1'000'003UL}) {
    const auto collectives = make(elements);
    CommunicationThread thread(*collectives);
    step(*collectives, thread, cut_into_buckets(elements, 100'000), elements);
    step(*collectives, thread, cut_into_buckets(elements, 100'000), elements);
  }
}

TEST_P(BackendTest, TakesEmptySlabs) {
  const auto collectives = make(0);
  CommunicationThread thread(*collectives);
  step(*collectives, thread, {}, 0);
}

TEST_P(BackendTest, NamesTheWorldsRanks) {
  const auto collectives = make(1);
  EXPECT_EQ(collectives->rank(), world.rank());
  EXPECT_EQ(collectives->size(), world.size());
}

TEST_P(BackendTest, GivesTheSameBitsOnEveryRankAndInEveryRun) {
  constexpr size_t kElements = 50'001;
  std::string first;
  for (int run = 0; run < 3; ++run) {
    const auto collectives = make(kElements);
    CommunicationThread thread(*collectives);
    step(*collectives, thread, {{0, kElements}}, kElements);
    std::string bits(kElements * sizeof(float), '\0');
    copy_bytes(bits.data(), collectives->slabs().parameters, bits.size());
    if (run == 0) first = bits;
    EXPECT_TRUE(bits == first) << "run " << run;
    EXPECT_TRUE(bits == world.broadcast(bits)) << "run " << run;
  }
}

TEST_P(BackendTest, SumsAllBucketsInOneCall) {
  constexpr size_t kElements = 70'003;
  const auto collectives = make(kElements);
  const Slabs slabs = collectives->slabs();
  const auto buckets = cut_into_buckets(kElements, 20'000);
  write(slabs, values_of(world.rank(), kElements));
  for (const Range& bucket : buckets) collectives->mark_written(bucket);
  collectives->reduce_scatter(buckets);
  const std::vector<float> sums = read(slabs.gradients, kElements);
  for (const Range& bucket : buckets) {
    const Range share = collectives->share(bucket);
    for (size_t i = share.begin; i < share.end; ++i) {
      double expected = 0;
      for (int r = 0; r < world.size(); ++r) expected += value(r, i);
      ASSERT_NEAR(sums[i], expected, tolerance()) << i;
    }
  }
  collectives->barrier();
}

TEST_P(BackendTest, SumsManySmallValues) {
  const auto collectives = make(16);
  for (const size_t count : {1UL, 5UL, 8192UL, 20'000UL}) {
    std::vector<double> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<double>(i) + world.rank();
    collectives->all_reduce(values, Over::ranks);
    const double ranks = world.size();
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(values[i], ranks * static_cast<double>(i) + ranks * (ranks - 1) / 2);
    }
  }
}

TEST_P(BackendTest, HasSharesThatCoverEachBucketOnce) {
  const auto collectives = make(100'000);
  for (const Range bucket :
       {Range{0, 100'000}, Range{16, 33}, Range{7, 7}, Range{99'999, 100'000}}) {
    std::vector<double> covered(bucket.size());
    const Range share = collectives->share(bucket);
    for (size_t i = share.begin; i < share.end; ++i) covered[i - bucket.begin] = 1;
    collectives->all_reduce(covered, Over::shares);
    for (const double times : covered) ASSERT_EQ(times, 1);
  }
}

TEST_P(BackendTest, GivesUpOnARankThatDoesNotCome) {
  if (world.size() == 1) GTEST_SKIP() << "a rank alone waits for nobody";
  const auto collectives = make(1000, 0.3);
  if (world.rank() != world.size() - 1) {
    std::vector<double> values(1);
    // Ranks that only wait for those who wait give up too, one after the other.
    EXPECT_THAT([&] { collectives->all_reduce(values, Over::ranks); },
                ThrowsError(ErrorKind::lost));
  }
  world.barrier();
}

TEST_P(BackendTest, BroadcastsTheParametersOfRank0) {
  constexpr size_t kElements = 70'001;
  const auto collectives = make(kElements);
  float* parameters = collectives->slabs().parameters;
  const std::vector<float> expected = values_of(7, kElements);
  if (collectives->rank() == 0) {
    copy_bytes(parameters, expected.data(), kElements * sizeof(float));
  }
  collectives->broadcast();
  ASSERT_EQ(read(parameters, kElements), expected);
}

// A rank that can read all slabs gets the same bits from them as from reduce_scatter().
TEST_P(BackendTest, SharedSlabsAddUpToTheSum) {
  constexpr size_t kElements = 1000;
  const Range all = {0, kElements};
  const auto collectives = make(kElements);
  auto* shared = collectives->shared_slabs();
  if (shared == nullptr || shared->all_gradients().empty()) {
    GTEST_SKIP() << "no rank reads all slabs";
  }
  const Slabs slabs = collectives->slabs();
  write(slabs, values_of(world.rank(), kElements));
  collectives->barrier();
  const auto addends = shared->all_gradients();
  const Range share = collectives->share(all);
  std::vector<float> expected;
  for (size_t i = share.begin; i < share.end; ++i) {
    float total = addends[0][i];
    for (size_t s = 1; s < addends.size(); ++s) total += addends[s][i];
    expected.push_back(total);
  }
  collectives->barrier();  // sums take the place of addends
  shared->reduce(all);
  for (size_t i = share.begin; i < share.end; ++i) {
    ASSERT_EQ(slabs.gradients[i], expected[i - share.begin]);
  }
  collectives->barrier();
}

}  // namespace ringtrain
