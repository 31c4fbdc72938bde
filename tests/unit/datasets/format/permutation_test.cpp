// SPDX-License-Identifier: Apache-2.0
#include "datasets/format/permutation.hpp"

#include <gtest/gtest.h>

#include <set>

namespace ringtrain::datasets {
namespace {

TEST(Permutation, VisitsEveryNumberOnceAndInverts) {
  for (const uint64_t size : {1, 2, 3, 4, 5, 7, 16, 17, 1000, 65537}) {
    const Permutation permutation(size, 42);
    std::set<uint64_t> seen;
    for (uint64_t i = 0; i < size; ++i) {
      const uint64_t image = permutation(i);
      ASSERT_LT(image, size);
      ASSERT_EQ(permutation.inverse(image), i);
      seen.insert(image);
    }
    EXPECT_EQ(seen.size(), size);
  }
}

TEST(Permutation, WorksForSizesThatNoMemoryHolds) {
  const uint64_t size = (uint64_t{1} << 50) - 12345;
  const Permutation permutation(size, 1);
  for (uint64_t i = 0; i < 1000; ++i) {
    const uint64_t image = permutation(i * 1000003);
    ASSERT_LT(image, size);
    ASSERT_EQ(permutation.inverse(image), i * 1000003);
  }
}

}  // namespace
}  // namespace ringtrain::datasets
