// SPDX-License-Identifier: Apache-2.0
#include "collectives/reduction.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace ringtrain::collectives {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

template <class T>
std::vector<T> reduced(ElementType type, Reduction how, const std::vector<std::vector<T>>& ranks,
                       const std::vector<double>& factors = {}) {
  std::vector<const std::byte*> from;
  for (const auto& rank : ranks) from.push_back(reinterpret_cast<const std::byte*>(rank.data()));
  std::vector<T> result(ranks[0].size());
  const std::array<std::byte*, 1> to = {reinterpret_cast<std::byte*>(result.data())};
  reduce(type, how, from, to, result.size(), factors);
  return result;
}

TEST(Reduction, IsThatOfTheNameForIntegers) {
  const std::vector<std::vector<int32_t>> ranks = {{6, -1}, {3, 5}, {5, 12}};
  const auto of = [&](Reduction how) { return reduced(ElementType::int32, how, ranks); };
  EXPECT_THAT(of(Reduction::sum), ElementsAre(14, 16));
  EXPECT_THAT(of(Reduction::average), ElementsAre(4, 5));
  EXPECT_THAT(of(Reduction::product), ElementsAre(90, -60));
  EXPECT_THAT(of(Reduction::min), ElementsAre(3, -1));
  EXPECT_THAT(of(Reduction::max), ElementsAre(6, 12));
  EXPECT_THAT(of(Reduction::bit_and), ElementsAre(6 & 3 & 5, -1 & 5 & 12));
  EXPECT_THAT(of(Reduction::bit_or), ElementsAre(7, -1));
  EXPECT_THAT(of(Reduction::bit_xor), ElementsAre(6 ^ 3 ^ 5, -1 ^ 5 ^ 12));
}

TEST(Reduction, WrapsIntegersAround) {
  EXPECT_THAT(reduced<int8_t>(ElementType::int8, Reduction::sum, {{127}, {2}}), ElementsAre(-127));
  EXPECT_THAT(reduced<int16_t>(ElementType::int16, Reduction::product, {{-32768}, {-32768}}),
              ElementsAre(0));
  EXPECT_THAT(reduced<int64_t>(ElementType::int64, Reduction::sum,
                               {{std::numeric_limits<int64_t>::max()}, {1}}),
              ElementsAre(std::numeric_limits<int64_t>::min()));
}

TEST(Reduction, AveragesIntegersWithoutWrappingAround) {
  EXPECT_THAT(reduced<int8_t>(ElementType::int8, Reduction::average, {{100, -7}, {100, -8}}),
              ElementsAre(100, -7));
  const std::vector<std::vector<uint8_t>> many(256, {200});
  EXPECT_THAT(reduced(ElementType::uint8, Reduction::average, many), ElementsAre(200));
}

TEST(Reduction, AddsFloatsInTheOrderOfRanks) {
  std::vector<std::vector<float>> ranks(3, std::vector<float>(5000));
  std::vector<float> expected(5000);
  for (size_t i = 0; i < expected.size(); ++i) {
    for (size_t r = 0; r < ranks.size(); ++r)
      ranks[r][i] = 1 / (static_cast<float>(i) + 3 * static_cast<float>(r) + 1);
    expected[i] = ranks[0][i] + ranks[1][i] + ranks[2][i];
  }
  EXPECT_THAT(reduced(ElementType::float32, Reduction::sum, ranks), ElementsAreArray(expected));
}

TEST(Reduction, ScalesEachRanksValuesByItsFactor) {
  EXPECT_THAT(
      reduced<double>(ElementType::float64, Reduction::scaled_sum, {{1, 2}, {10, 20}}, {3, 0.5}),
      ElementsAre(8, 16));
  EXPECT_THAT(reduced<float>(ElementType::float32, Reduction::average, {{1}, {2}, {6}}),
              ElementsAre(3));
}

TEST(Reduction, KeepsNotANumber) {
  const float nan = std::nanf("");
  for (const auto how : {Reduction::sum, Reduction::min, Reduction::max, Reduction::product}) {
    EXPECT_TRUE(std::isnan(reduced<float>(ElementType::float32, how, {{nan}, {1}})[0]));
    EXPECT_TRUE(std::isnan(reduced<float>(ElementType::float32, how, {{1}, {nan}})[0]));
  }
}

TEST(Reduction, TakesAnyByteButZeroForTrue) {
  const std::vector<std::vector<uint8_t>> ranks = {{0, 1, 1}, {0, 0, 1}};
  EXPECT_THAT(reduced(ElementType::boolean, Reduction::sum, ranks), ElementsAre(0, 1, 1));
  EXPECT_THAT(reduced(ElementType::boolean, Reduction::product, ranks), ElementsAre(0, 0, 1));
  EXPECT_THAT(reduced(ElementType::boolean, Reduction::min, ranks), ElementsAre(0, 0, 1));
  EXPECT_THAT(reduced(ElementType::boolean, Reduction::bit_xor, ranks), ElementsAre(0, 1, 0));
}

// Values of IEEE 754's binary16: 1, 65504 (the largest), 2^-24 (the smallest), infinity.
TEST(Reduction, ReadsAndRoundsFloat16) {
  const auto sum = [](uint16_t a, uint16_t b) {
    return reduced<uint16_t>(ElementType::float16, Reduction::sum, {{a}, {b}})[0];
  };
  EXPECT_EQ(sum(0x3c00, 0x3c00), 0x4000);  // 1 + 1
  EXPECT_EQ(sum(0x7bff, 0x7bff), 0x7c00);  // infinity
  EXPECT_EQ(sum(0x0001, 0x0001), 0x0002);
  EXPECT_EQ(sum(0x03ff, 0x0001), 0x0400);  // the smallest normal
  EXPECT_EQ(sum(0x3c00, 0xbc00), 0x0000);
  EXPECT_EQ(sum(0x6800, 0x3c00), 0x6800);           // 2048 + 1: to even
  EXPECT_EQ(sum(0x6801, 0x3c00), 0x6802);           // 2050 + 1: to even
  EXPECT_EQ(sum(0x7c00, 0xfc00) & 0x7e00, 0x7e00);  // not a number
  for (uint32_t bits = 0; bits <= 0x7c00; ++bits)   // and all others come back as they were
    ASSERT_EQ(sum(static_cast<uint16_t>(bits), 0), bits);
}

TEST(Reduction, RoundsBfloat16Once) {
  // 1 + 2^-8 + 2^-8 is 1 + 2^-7, while rounding after each sum would give 1.
  EXPECT_THAT(
      reduced<uint16_t>(ElementType::bfloat16, Reduction::sum, {{0x3f80}, {0x3b80}, {0x3b80}}),
      ElementsAre(0x3f81));
}

TEST(Reduction, RefusesWhatHasNoMeaning) {
  EXPECT_FALSE(can_reduce(ElementType::float32, Reduction::bit_and));
  EXPECT_FALSE(can_reduce(ElementType::boolean, Reduction::average));
  EXPECT_FALSE(can_reduce(ElementType::raw, Reduction::sum));
  EXPECT_FALSE(can_reduce(ElementType::int8, Reduction::scaled_sum));
  EXPECT_TRUE(can_reduce(ElementType::int8, Reduction::bit_xor));
}

}  // namespace
}  // namespace ringtrain::collectives
