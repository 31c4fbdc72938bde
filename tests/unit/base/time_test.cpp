// SPDX-License-Identifier: Apache-2.0
#include "base/time.hpp"

#include <gtest/gtest.h>

namespace ringtrain {
namespace {

using std::chrono::seconds;

TEST(Time, IsReadAsKubernetesWritesIt) {
  const auto time = parse_time("2026-11-24T23:51:30Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(print_time(*time), "2026-11-24T23:51:30Z");
  EXPECT_EQ(print_time_ms(*time + std::chrono::milliseconds(7)), "2026-11-24T23:51:30.007Z");
  EXPECT_EQ(parse_time("2026-11-24T23:51:30.250000Z"), *time + std::chrono::milliseconds(250));
  EXPECT_EQ(parse_time("2026-11-25T01:51:30+02:00"), time);
  for (const char* text : {"", "2026-11-24", "2026-11-24T23:51:30", "2026-11-24T23:51:30+x"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(Age, HasTheTwoUnitsThatMatter) {
  EXPECT_EQ(print_age(seconds(-3)), "0s");
  EXPECT_EQ(print_age(seconds(119)), "119s");
  EXPECT_EQ(print_age(seconds(600)), "10m");
  EXPECT_EQ(print_age(seconds(3600 * 3 + 300)), "3h5m");
  EXPECT_EQ(print_age(seconds(86400 * 2 + 3600 * 4)), "2d4h");
}

}  // namespace
}  // namespace ringtrain
