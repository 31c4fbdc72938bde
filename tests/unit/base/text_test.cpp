// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ringtrain {
namespace {

TEST(Text, IsTrimmedAtBothEnds) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \n "), "");
  EXPECT_EQ(trimmed("\"a \"", "\""), "a ");
}

TEST(Text, HasAFirstLine) {
  EXPECT_EQ(first_line("one\ntwo"), "one");
  EXPECT_EQ(first_line("one"), "one");
  EXPECT_EQ(first_line("\ntwo"), "");
}

TEST(Text, HasSecondsInTheUnitsOfAPerson) {
  EXPECT_EQ(print_seconds(4.21), "4.2 s");
  EXPECT_EQ(print_seconds(59.4), "59 s");
  EXPECT_EQ(print_seconds(59.7), "1 min 0 s");
  EXPECT_EQ(print_seconds(200), "3 min 20 s");
  EXPECT_EQ(print_seconds(7500), "2 h 5 min");
  EXPECT_EQ(print_seconds(-1), "? s");
  EXPECT_EQ(print_seconds(std::nan("")), "? s");
}

TEST(Text, HasBytesInGibibytes) {
  EXPECT_EQ(print_gib(uint64_t{3} << 29), "1.5 GiB");
  EXPECT_EQ(print_gib(0), "0.0 GiB");
}

TEST(Text, HasCountsWithCommas) {
  EXPECT_EQ(print_count(0), "0");
  EXPECT_EQ(print_count(12.34), "12.3");
  EXPECT_EQ(print_count(999), "999");
  EXPECT_EQ(print_count(6712), "6,712");
  EXPECT_EQ(print_count(1234567), "1,234,567");
  EXPECT_EQ(print_count(-1234), "-1,234");
  EXPECT_EQ(print_count(std::nan("")), "?");
}

}  // namespace
}  // namespace ringtrain
