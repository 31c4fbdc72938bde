// SPDX-License-Identifier: Apache-2.0
#include "storage/cache/range_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

KeyedRange range(uint64_t number, uint64_t size = 10) { return {{1, number}, size}; }

uint64_t next_of(RangeTable& table) {
  const auto work = table.next();
  return work && work->fetch.size > 0 ? work->fetch.key.offset : ~uint64_t{0};
}
constexpr uint64_t kNothing = ~uint64_t{0};

std::vector<uint64_t> given_up(const RangeTable::Work& work) {
  std::vector<uint64_t> numbers;
  for (const KeyedRange& one : work.given_up) numbers.push_back(one.key.offset);
  return numbers;
}

// Wants, fetches and holds a range for client 1.
void bring(RangeTable& table, uint64_t number) {
  ASSERT_FALSE(table.hold({1, number}, range(number)));
  ASSERT_EQ(next_of(table), number);
  ASSERT_EQ(table.fetched({1, number}, true).size(), 1u);
}

TEST(RangeTable, WhatIsWaitedForGoesBeforeWishesAndWishesKeepTheirOrder) {
  RangeTable table(100);
  table.want(1, range(5));
  table.want(1, range(6));
  EXPECT_FALSE(table.hold({1, 70}, range(7)));
  EXPECT_EQ(next_of(table), 7u);
  EXPECT_EQ(next_of(table), 5u);
  EXPECT_EQ(next_of(table), 6u);
  EXPECT_EQ(next_of(table), kNothing);
  EXPECT_EQ(table.used(), 30u);
}

TEST(RangeTable, ARangeThatTwoRanksNeedIsFetchedOnce) {
  RangeTable table(100);
  table.want(1, range(5));
  EXPECT_EQ(next_of(table), 5u);
  EXPECT_FALSE(table.hold({1, 11}, range(5)));
  EXPECT_FALSE(table.hold({2, 22}, range(5)));
  EXPECT_EQ(next_of(table), kNothing);
  const auto waiters = table.fetched({1, 5}, true);
  ASSERT_EQ(waiters.size(), 2u);
  EXPECT_EQ(waiters[0].ticket, 11u);
  EXPECT_EQ(waiters[1].ticket, 22u);
  EXPECT_TRUE(table.hold({3, 33}, range(5)));
}

TEST(RangeTable, TheRangeThatWasUsedLongestAgoGivesWay) {
  RangeTable table(30);
  for (const uint64_t number : {1, 2, 3}) bring(table, number);
  for (const uint64_t number : {2, 1, 3}) table.drop(1, {1, number});
  EXPECT_TRUE(table.hold({1, 0}, range(2)));
  table.drop(1, {1, 2});
  table.want(1, range(4, 20));
  const auto work = table.next();
  EXPECT_THAT(given_up(*work), ElementsAre(1, 3));
  EXPECT_EQ(work->fetch.key.offset, 4u);
  EXPECT_EQ(table.used(), 30u);
}

TEST(RangeTable, WhatIsHeldStays) {
  RangeTable table(30);
  for (const uint64_t number : {1, 2, 3}) bring(table, number);
  EXPECT_TRUE(table.hold({1, 0}, range(1)));  // twice
  table.drop(1, {1, 1});
  table.want(1, range(4));
  EXPECT_EQ(next_of(table), kNothing);
  table.drop(1, {1, 1});
  const auto work = table.next();
  EXPECT_THAT(given_up(*work), ElementsAre(1));
  EXPECT_EQ(work->fetch.key.offset, 4u);
}

TEST(RangeTable, AWishWaitsForRoomButARankThatWaitsTakesThatOfTheNewestWish) {
  RangeTable table(20);
  for (const uint64_t number : {1, 2, 3}) table.want(1, range(number));
  for (const uint64_t number : {1, 2}) {
    EXPECT_EQ(next_of(table), number);
    table.fetched({1, number}, true);
  }
  EXPECT_EQ(next_of(table), kNothing);
  EXPECT_FALSE(table.hold({2, 9}, range(9)));
  const auto work = table.next();
  EXPECT_THAT(given_up(*work), ElementsAre(2));
  EXPECT_EQ(work->fetch.key.offset, 9u);
}

TEST(RangeTable, WithoutRoomForWhatIsInUseARankIsRefused) {
  RangeTable table(20);
  for (const uint64_t number : {1, 2}) bring(table, number);
  EXPECT_THAT(table.without_room(), IsEmpty());
  EXPECT_FALSE(table.hold({1, 30}, range(3)));
  EXPECT_EQ(next_of(table), kNothing);
  const auto refused = table.without_room();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].ticket, 30u);
  table.drop(1, {1, 1});
  bring(table, 3);  // later there is room
}

TEST(RangeTable, AFetchThatFailedIsTriedAgainForWhoeverAsksNext) {
  RangeTable table(20);
  EXPECT_FALSE(table.hold({1, 10}, range(1)));
  EXPECT_EQ(next_of(table), 1u);
  EXPECT_EQ(table.fetched({1, 1}, false).size(), 1u);
  EXPECT_EQ(table.used(), 0u);
  bring(table, 1);
}

TEST(RangeTable, WishesThatAreTakenBackAreNotFetched) {
  RangeTable table(100);
  table.want(1, range(1));
  table.want(2, range(1));
  table.want(1, range(2));
  table.forget(1);
  EXPECT_EQ(next_of(table), 1u);
  EXPECT_EQ(next_of(table), kNothing);
}

TEST(RangeTable, AClientThatIsGoneHoldsWaitsForAndWantsNothing) {
  RangeTable table(20);
  bring(table, 1);
  bring(table, 2);
  EXPECT_FALSE(table.hold({1, 30}, range(3)));
  table.want(1, range(4));
  table.leave(1);
  EXPECT_EQ(next_of(table), kNothing);
  EXPECT_FALSE(table.hold({2, 50}, range(5)));
  const auto work = table.next();
  EXPECT_THAT(given_up(*work), ElementsAre(1));
  table.fetched({1, 5}, true);
  EXPECT_TRUE(table.hold({2, 51}, range(2)));
}

}  // namespace
}  // namespace ringtrain::storage
