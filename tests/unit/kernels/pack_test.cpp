// SPDX-License-Identifier: Apache-2.0
#include "kernels/pack.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/kernels/samples.hpp"

namespace ringtrain::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kScale = 1.0F / 96;

template <class Stored>
class Pack : public testing::Test {};
using WireTypes = testing::Types<float, bf16>;
TYPED_TEST_SUITE(Pack, WireTypes);

TYPED_TEST(Pack, ScalesCastsAndMeasuresEverySizeAtEveryAlignment) {
  for (const size_t n : kOddSizes) {
    const std::vector<float> gradient = random_floats(n, 1);
    double expected_norm = 0;
    for (const float g : gradient) expected_norm += squared(to_float(to<TypeParam>(kScale * g)));

    GradientStats first;
    for (const size_t in_offset : kOffsets) {
      for (const size_t out_offset : kOffsets) {
        Shifted<float> in(gradient, in_offset);
        Shifted<TypeParam> out(std::vector<TypeParam>(n), out_offset);
        const GradientStats stats = pack(in.data(), out.data(), n, kScale);
        for (size_t i = 0; i < n; ++i) {
          ASSERT_EQ(to_float(out.data()[i]), to_float(to<TypeParam>(kScale * gradient[i]))) << i;
        }
        EXPECT_TRUE(stats.finite);
        EXPECT_NEAR(stats.squared_norm, expected_norm, 1e-13 * expected_norm);
        if (in_offset == 0 && out_offset == 0) first = stats;
        EXPECT_EQ(stats.squared_norm, first.squared_norm) << "depends on the alignment";
      }
    }
  }
}

TYPED_TEST(Pack, GivesTheSameBitsForARangeCutAtBlocks) {
  constexpr size_t kElements = 65537;
  const std::vector<float> gradient = random_floats(kElements, 2);
  std::vector<TypeParam> out(kElements);
  const GradientStats whole = pack(gradient.data(), out.data(), kElements, kScale);
  for (const size_t part : {size_t{4096}, size_t{12288}, size_t{65536}}) {
    GradientStats stats;
    for (size_t first = 0; first < kElements; first += part) {
      stats = pack(gradient.data() + first, out.data() + first, std::min(part, kElements - first),
                   kScale, stats);
    }
    EXPECT_EQ(stats.squared_norm, whole.squared_norm) << part;
  }
}

TYPED_TEST(Pack, SeesAnyValueThatIsNotFinite) {
  for (const size_t n : kOddSizes) {
    for (const size_t place : {size_t{0}, n / 2, n - 1}) {
      if (place >= n) continue;
      for (const float bad : {kInfinity, -kInfinity, kNan, -kNan}) {
        std::vector<float> gradient = random_floats(n, 3);
        gradient[place] = bad;
        std::vector<TypeParam> out(n);
        EXPECT_FALSE(pack(gradient.data(), out.data(), n, kScale).finite) << n << " at " << place;
        EXPECT_FALSE(std::isfinite(to_float(out[place])));
      }
    }
  }
}

TYPED_TEST(Pack, TellsFinitenessAloneWithTheSameResult) {
  for (const size_t n : kOddSizes) {
    std::vector<float> gradient = random_floats(n, 6);
    std::vector<TypeParam> expected(n);
    std::vector<TypeParam> out(n);
    pack(gradient.data(), expected.data(), n, kScale);
    const GradientStats stats =
        pack(gradient.data(), out.data(), n, kScale, {5, true}, Measure::finite);
    EXPECT_TRUE(stats.finite);
    EXPECT_EQ(stats.squared_norm, 5);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(to_float(out[i]), to_float(expected[i]));
    for (const size_t place : {size_t{0}, n / 2, n - 1}) {
      if (place >= n) continue;
      for (const float bad : {kInfinity, -kInfinity, kNan, -kNan}) {
        std::vector<float> spoiled = gradient;
        spoiled[place] = bad;
        EXPECT_FALSE(pack(spoiled.data(), out.data(), n, kScale, {}, Measure::finite).finite);
      }
    }
  }
}

TYPED_TEST(Pack, KeepsABadRangeBadWhateverFollows) {
  const std::vector<float> gradient = random_floats(100, 4);
  std::vector<TypeParam> out(100);
  EXPECT_FALSE(pack(gradient.data(), out.data(), 100, kScale, {kNan, false}).finite);
}

TEST(PackInFp32, TakesTheLargestFloats) {
  const std::vector<float> gradient(1000, std::numeric_limits<float>::max());
  std::vector<float> out(1000);
  const GradientStats stats = pack(gradient.data(), out.data(), 1000, 1);
  EXPECT_TRUE(stats.finite);
  EXPECT_NEAR(stats.squared_norm / (1000 * squared(gradient[0])), 1, 1e-13);
}

TEST(PackInFp32, SeesAnOverflowByTheScale) {
  const std::vector<float> gradient(40, 1e30F);
  std::vector<float> out(40);
  EXPECT_FALSE(pack(gradient.data(), out.data(), 40, 1e30F).finite);
}

TEST(PackInFp32, WorksInPlace) {
  const std::vector<float> gradient = random_floats(1000, 5);
  std::vector<float> values = gradient;
  pack(values.data(), values.data(), values.size(), kScale);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], kScale * gradient[i]);
}

TEST(PackInBf16, SeesAFloatThatOverflowsTheWire) {
  const std::vector<float> gradient(40, std::numeric_limits<float>::max());
  std::vector<bf16> out(40);
  EXPECT_FALSE(pack(gradient.data(), out.data(), 40, 1).finite);
}

}  // namespace
}  // namespace ringtrain::kernels
