// SPDX-License-Identifier: Apache-2.0
#include "kernels/sum.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "tests/unit/kernels/samples.hpp"

namespace ringtrain::kernels {
namespace {

constexpr size_t kMostSources = 9;

template <class Source>
std::vector<std::vector<Source>> random_sources(size_t count, size_t n) {
  std::vector<std::vector<Source>> sources;
  for (size_t s = 0; s < count; ++s) {
    std::vector<Source>& source = sources.emplace_back();
    for (const float value : random_floats(n, static_cast<uint32_t>(10 + s))) {
      source.push_back(to<Source>(value));
    }
  }
  return sources;
}

template <class Source>
std::vector<float> plain_sum(const std::vector<std::vector<Source>>& sources) {
  std::vector<float> total;
  for (size_t i = 0; i < sources[0].size(); ++i) {
    float element = to_float(sources[0][i]);
    for (size_t s = 1; s < sources.size(); ++s) element += to_float(sources[s][i]);
    total.push_back(element);
  }
  return total;
}

template <class Source>
class Sum : public testing::Test {};
using SourceTypes = testing::Types<float, bf16>;
TYPED_TEST_SUITE(Sum, SourceTypes);

TYPED_TEST(Sum, AddsInOrderForEverySizeNumberAndAlignment) {
  for (const size_t n : kOddSizes) {
    for (size_t count = 1; count <= kMostSources; ++count) {
      const auto sources = random_sources<TypeParam>(count, n);
      const std::vector<float> expected = plain_sum(sources);
      double expected_norm = 0;
      for (const float value : expected) expected_norm += squared(value);
      for (const size_t offset : kOffsets) {
        std::vector<Shifted<TypeParam>> shifted;
        std::vector<const TypeParam*> pointers;
        for (size_t s = 0; s < count; ++s) shifted.emplace_back(sources[s], (offset + s) % 8);
        for (auto& source : shifted) pointers.push_back(source.data());
        Shifted<float> out(std::vector<float>(n), offset);
        const GradientStats stats = sum(pointers, out.data(), n);
        ASSERT_EQ(out.values(), expected) << n << " elements of " << count << " sources";
        EXPECT_TRUE(stats.finite);
        EXPECT_NEAR(stats.squared_norm, expected_norm, 1e-13 * expected_norm);
      }
    }
  }
}

TYPED_TEST(Sum, GivesTheSameBitsForARangeCutAtBlocks) {
  constexpr size_t kElements = 65537;
  for (size_t count = 1; count <= 5; ++count) {
    const auto sources = random_sources<TypeParam>(count, kElements);
    std::vector<float> out(kElements);
    std::vector<const TypeParam*> pointers;
    for (const auto& source : sources) pointers.push_back(source.data());
    const GradientStats whole = sum(pointers, out.data(), kElements);
    GradientStats parts;
    for (size_t first = 0; first < kElements; first += 8192) {
      parts = sum(pointers, out.data() + first, std::min<size_t>(8192, kElements - first), parts);
      for (const TypeParam*& pointer : pointers) pointer += 8192;
    }
    EXPECT_EQ(parts.squared_norm, whole.squared_norm);
    EXPECT_EQ(out, plain_sum(sources));
  }
}

TYPED_TEST(Sum, SeesAValueThatIsNotFiniteInAnySource) {
  for (size_t count = 1; count <= kMostSources; ++count) {
    for (size_t bad = 0; bad < count; ++bad) {
      auto sources = random_sources<TypeParam>(count, 1000);
      sources[bad][777] = to<TypeParam>(std::numeric_limits<float>::quiet_NaN());
      std::vector<const TypeParam*> pointers;
      for (const auto& source : sources) pointers.push_back(source.data());
      std::vector<float> out(1000);
      EXPECT_FALSE(sum(pointers, out.data(), 1000).finite);
      EXPECT_FALSE(sum(pointers, out.data(), 1000, {}, Measure::finite).finite);
    }
  }
}

TYPED_TEST(Sum, RefusesToAddNothing) {
  float out = 0;
  EXPECT_THROW(sum(std::span<const TypeParam* const>{}, &out, 1), std::invalid_argument);
}

TEST(SumInFp32, MayOverwriteAnySource) {
  for (size_t count = 1; count <= kMostSources; ++count) {
    for (size_t target = 0; target < count; ++target) {
      auto sources = random_sources<float>(count, 1017);
      const std::vector<float> expected = plain_sum(sources);
      std::vector<const float*> pointers;
      for (const auto& source : sources) pointers.push_back(source.data());
      sum(pointers, sources[target].data(), 1017);
      EXPECT_EQ(sources[target], expected) << target << " of " << count;
    }
  }
}

TEST(SumInFp32, SeesInfinitiesThatCancel) {
  const std::vector<float> plus(33, std::numeric_limits<float>::infinity());
  const std::vector<float> minus(33, -std::numeric_limits<float>::infinity());
  const std::vector<const float*> pointers{plus.data(), minus.data()};
  std::vector<float> out(33);
  EXPECT_FALSE(sum(pointers, out.data(), 33).finite);
}

}  // namespace
}  // namespace ringtrain::kernels
