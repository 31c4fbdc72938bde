// SPDX-License-Identifier: Apache-2.0
#include "collectives/shared_slabs.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <tuple>

#include "tests/unit/collectives/forked_ranks.hpp"

namespace ringtrain::collectives {
namespace {

using testing::Each;

constexpr size_t kElements = 70'001;

float value(int rank, size_t i) {
  return static_cast<float>(rank + 1) * std::sin(static_cast<float>(i) + 1);
}

NodeGroup group_for_slabs(const Node& node, Wire wire) {
  return {node, SharedSlabs::bytes(kElements, wire, node.rank)};
}

void write_gradients(SharedSlabs& slabs, int rank) {
  for (size_t i = 0; i < kElements; ++i) {
    if (auto* wire = slabs.wire()) {
      wire[i] = kernels::to_bf16(value(rank, i));
    } else {
      slabs.gradients()[i] = value(rank, i);
    }
  }
}

class SharedSlabsTest : public testing::TestWithParam<std::tuple<int, Wire>> {
 protected:
  int ranks = std::get<0>(GetParam());
  Wire wire = std::get<1>(GetParam());
};

TEST_P(SharedSlabsTest, GiveEveryRankTheSumThroughTheSharedParameters) {
  EXPECT_THAT(
      run_ranks(ranks,
                [this](const Node& node) {
                  NodeGroup group = group_for_slabs(node, wire);
                  SharedSlabs slabs(group, kElements, wire, node.size);
                  for (const size_t cut : {size_t{30'000}, size_t{7}}) {
                    const std::vector<Range> buckets = {{0, cut}, {cut, cut}, {cut, kElements}};
                    write_gradients(slabs, node.rank);
                    group.barrier();
                    for (const Range& bucket : buckets) {
                      slabs.reduce(bucket);
                      const Range share = slabs.share(bucket);
                      std::copy_n(slabs.gradients() + share.begin, share.size(),
                                  slabs.parameters() + share.begin);
                    }
                    group.barrier();
                    for (size_t i = 0; i < kElements; ++i) {
                      float expected = 0;
                      for (int r = 0; r < node.size; ++r) {
                        const float v = value(r, i);
                        expected += wire == Wire::bf16 ? kernels::to_float(kernels::to_bf16(v)) : v;
                      }
                      ASSERT_EQ(slabs.parameters()[i], expected) << i;
                    }
                    group.barrier();
                  }
                }),
      Each(0));
}

TEST_P(SharedSlabsTest, HaveSharesThatCoverABucketOnceAndOwnersAlone) {
  EXPECT_THAT(
      run_ranks(ranks,
                [this](const Node& node) {
                  NodeGroup group = group_for_slabs(node, wire);
                  for (const int owners : {1, node.size}) {
                    const SharedSlabs slabs(group, kElements, wire, owners);
                    for (const Range bucket : {Range{0, kElements}, Range{16, 33}, Range{7, 7}}) {
                      const Range share = slabs.share(bucket);
                      std::vector<double> covered(bucket.size());
                      for (size_t i = share.begin; i < share.end; ++i)
                        covered[i - bucket.begin] = 1;
                      group.all_reduce(covered);
                      ASSERT_THAT(covered, Each(1));
                      if (node.rank >= owners) {
                        ASSERT_EQ(share.size(), 0);
                      }
                    }
                  }
                }),
      Each(0));
}

TEST_P(SharedSlabsTest, ShowEveryRanksGradientsUnlessTheyAreBf16) {
  EXPECT_THAT(
      run_ranks(ranks,
                [this](const Node& node) {
                  NodeGroup group = group_for_slabs(node, wire);
                  SharedSlabs slabs(group, kElements, wire, node.size);
                  write_gradients(slabs, node.rank);
                  group.barrier();
                  const auto all = slabs.all_gradients();
                  ASSERT_EQ(all.size(), wire == Wire::bf16 ? 0 : static_cast<size_t>(node.size));
                  for (size_t r = 0; r < all.size(); ++r) {
                    ASSERT_EQ(all[r][kElements - 1], value(static_cast<int>(r), kElements - 1));
                  }
                  group.barrier();
                }),
      Each(0));
}

INSTANTIATE_TEST_SUITE_P(Ranks, SharedSlabsTest,
                         testing::Combine(testing::Values(1, 2, 3, 4),
                                          testing::Values(Wire::fp32, Wire::bf16)));

}  // namespace
}  // namespace ringtrain::collectives
