// SPDX-License-Identifier: Apache-2.0
#include "runtime/device/mig_slice.hpp"

#include <gtest/gtest.h>

namespace ringtrain {
namespace {

TEST(MigSlice, IsOneForEachRankInTurn) {
  for (const int rank : {0, 1, 2, 3}) {
    EXPECT_EQ(mig_slice_of(rank, "MIG-a,MIG-b,MIG-c", nullptr), std::string("MIG-") + "abca"[rank]);
    EXPECT_EQ(mig_slice_of(rank, nullptr, "MIG-a,MIG-b"), std::string("MIG-") + "abab"[rank]);
  }
  EXPECT_EQ(mig_slice_of(1, "MIG-a,MIG-b", "MIG-x,MIG-y"), "MIG-b");
}

TEST(MigSlice, IsNotChosenAmongWholeCardsAndOneSlice) {
  EXPECT_EQ(mig_slice_of(1, nullptr, nullptr), std::nullopt);
  EXPECT_EQ(mig_slice_of(1, "0,1", nullptr), std::nullopt);
  EXPECT_EQ(mig_slice_of(1, "GPU-a,GPU-b", nullptr), std::nullopt);
  EXPECT_EQ(mig_slice_of(1, nullptr, "all"), std::nullopt);
  EXPECT_EQ(mig_slice_of(1, "MIG-a", nullptr), std::nullopt);
}

}  // namespace
}  // namespace ringtrain
