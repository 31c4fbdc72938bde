// SPDX-License-Identifier: Apache-2.0
#include "base/mix.hpp"

#include <gtest/gtest.h>

namespace ringtrain {
namespace {

// The first outputs of SplitMix64 with the seed 0 (https://prng.di.unimi.it/splitmix64.c): sample
// orders and augmentation of every job are made of them.
TEST(Mix, IsSplitMix64) {
  EXPECT_EQ(mix(0), 0xe220a8397b1dcdaf);
  EXPECT_EQ(mix(0x9e3779b97f4a7c15), 0x6e789e6aa1b965f4);
}

TEST(Mix, OfSeveralNumbersDependsOnTheirOrder) {
  EXPECT_EQ(mix(1, 2), mix(mix(1) + 2));
  EXPECT_EQ(mix(1, 2, 3), mix(mix(1, 2) + 3));
  EXPECT_NE(mix(1, 2), mix(2, 1));
}

}  // namespace
}  // namespace ringtrain
