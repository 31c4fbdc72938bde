// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/slab_layout.hpp"

#include <gmock/gmock.h>

#include <stdexcept>
#include <vector>

namespace ringtrain {
namespace {

TEST(SlabLayout, PlacesParametersInArrivalOrderAtCacheLines) {
  const std::vector<size_t> sizes = {10, 16, 1};
  const std::vector<size_t> arrival = {2, 0, 1};
  const SlabLayout layout(sizes, arrival);
  EXPECT_EQ(layout.parameter(2), (Range{0, 1}));
  EXPECT_EQ(layout.parameter(0), (Range{16, 26}));
  EXPECT_EQ(layout.parameter(1), (Range{32, 48}));
  EXPECT_EQ(layout.elements(), 48U);
  EXPECT_THAT(layout.order(), testing::ElementsAre(2, 0, 1));
}

TEST(SlabLayout, RefusesAnArrivalOrderThatForgetsOrRepeats) {
  const std::vector<size_t> sizes = {10, 16};
  EXPECT_THROW(SlabLayout(sizes, std::vector<size_t>{0}), std::logic_error);
  EXPECT_THROW(SlabLayout(sizes, std::vector<size_t>{0, 0}), std::logic_error);
  EXPECT_THROW(SlabLayout(sizes, std::vector<size_t>{0, 2}), std::logic_error);
}

TEST(CutIntoBuckets, CoversTheSlabInOrderWithASmallLastBucket) {
  for (const size_t elements : {1UL, 100UL, 16'384UL, 1'000'000UL, 25'557'032UL}) {
    constexpr size_t kBucket = 1 << 20;
    const auto buckets = cut_into_buckets(elements, kBucket);
    size_t end = 0;
    for (const Range& bucket : buckets) {
      EXPECT_EQ(bucket.begin, end);
      EXPECT_GT(bucket.size(), 0U);
      EXPECT_LE(bucket.size(), kBucket);
      end = bucket.end;
    }
    EXPECT_EQ(end, elements);
    EXPECT_LE(buckets.back().size(), kBucket / 8);
  }
}

TEST(CutIntoBuckets, HasNoneForAnEmptySlab) { EXPECT_TRUE(cut_into_buckets(0, 1000).empty()); }

}  // namespace
}  // namespace ringtrain
