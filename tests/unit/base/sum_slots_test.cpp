// SPDX-License-Identifier: Apache-2.0
#include "base/sum_slots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace ringtrain {
namespace {

using testing::ElementsAre;

// The sum over ranks that all add the same.
void sum_over(int ranks, SumSlots& slots) {
  for (double& value : slots.values()) value *= ranks;
}

TEST(SumSlots, EachPartReadsItsOwnValuesWhateverElseIsInTheSum) {
  SumSlots slots;
  const auto loss = slots.add("loss", 1.5);
  const auto seconds = slots.add("seconds of ranks", std::vector<double>{0.1, 0.0, 0.2});
  const auto stop = slots.add("stop", 1);
  sum_over(2, slots);
  EXPECT_EQ(slots[loss], 3);
  EXPECT_THAT(slots.all(seconds), ElementsAre(0.2, 0.0, 0.4));
  EXPECT_EQ(slots[stop], 2);
}

TEST(SumSlots, TravelInTheOrderInWhichTheyWereAdded) {
  SumSlots slots;
  slots.add("first", 1);
  slots.add("second", std::vector<double>{2, 3});
  slots.add("third", 4);
  EXPECT_THAT(slots.values(), ElementsAre(1, 2, 3, 4));
}

TEST(SumSlots, RefuseANameThatIsTaken) {
  SumSlots slots;
  slots.add("loss", 1);
  EXPECT_THROW(slots.add("loss", 2), std::logic_error);
}

TEST(SumSlots, MayBeEmpty) {
  SumSlots slots;
  EXPECT_TRUE(slots.values().empty());
}

}  // namespace
}  // namespace ringtrain
