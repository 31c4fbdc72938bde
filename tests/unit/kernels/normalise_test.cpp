// SPDX-License-Identifier: Apache-2.0
#include "kernels/normalise.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <stdexcept>

#include "tests/unit/kernels/samples.hpp"

namespace ringtrain::kernels {
namespace {

const std::vector<float> mean{0.4914F, 0.4822F, 0.4465F};
const std::vector<float> deviation{0.2470F, 0.2435F, 0.2616F};

template <class Raw>
std::vector<Raw> random_samples(size_t n) {
  std::mt19937 engine(20);
  std::vector<Raw> samples(n);
  for (Raw& sample : samples) sample = static_cast<Raw>(engine() % 256);
  return samples;
}

double normalised(uint8_t x, int channel) {
  return (x / 255.0 - mean[channel]) / deviation[channel];
}
double normalised(float x, int channel) { return (double{x} - mean[channel]) / deviation[channel]; }

// The promise of normalise.hpp: x, mean and the result are at most `range` / std in size here.
template <class Raw>
double tolerance(Raw) {
  return sizeof(Raw) == 1 ? 1e-6 : 256e-6;
}

// Pad the whole image, cut out of it, turn it round, then normalise: one pixel after another.
template <class Raw>
std::vector<double> plain_batch(const std::vector<Raw>& samples, size_t rows, const Image& image,
                                const Augment& augment, uint64_t first_position) {
  std::vector<double> out;
  for (size_t row = 0; row < rows; ++row) {
    const Placement place = placement(augment, first_position + row);
    for (int channel = 0; channel < image.channels; ++channel) {
      for (int y = 0; y < image.height; ++y) {
        for (int x = 0; x < image.width; ++x) {
          const int cropped_x = place.flipped ? image.width - 1 - x : x;
          const int source_y = y + place.down;
          const int source_x = cropped_x + place.right;
          Raw raw{0};
          if (source_y >= 0 && source_y < image.height && source_x >= 0 && source_x < image.width) {
            raw =
                samples[((row * image.channels + channel) * image.height + source_y) * image.width +
                        source_x];
          }
          out.push_back(normalised(raw, channel));
        }
      }
    }
  }
  return out;
}

template <class Raw>
class InputBatch : public testing::Test {};
using RawTypes = testing::Types<uint8_t, float>;
TYPED_TEST_SUITE(InputBatch, RawTypes);

TYPED_TEST(InputBatch, EqualsPaddingCroppingFlippingAndNormalisingInTurn) {
  const Image images[] = {{1, 28, 28}, {3, 32, 32}, {2, 5, 3}, {1, 1, 1},
                          {3, 1, 1},   {3, 1, 37},  {1, 0, 4}};
  for (const Image& image : images) {
    for (const int padding : {0, 1, 4, 40}) {
      for (const bool flip : {false, true}) {
        for (const size_t rows : {size_t{0}, size_t{1}, size_t{33}}) {
          const size_t n = rows * image.channels * image.height * image.width;
          const std::vector<TypeParam> samples = random_samples<TypeParam>(n);
          const Augment augment{padding, flip, 7, 3};
          std::vector<float> out(n);
          const size_t channels = image.channels;
          input_batch(samples.data(), out.data(), rows, image, std::span(mean).first(channels),
                      std::span(deviation).first(channels), augment, 1000);
          const std::vector<double> expected = plain_batch(samples, rows, image, augment, 1000);
          ASSERT_EQ(expected.size(), n);
          for (size_t i = 0; i < n; ++i) {
            ASSERT_NEAR(out[i], expected[i], tolerance(TypeParam{})) << i;
          }
        }
      }
    }
  }
}

TYPED_TEST(InputBatch, IsTheSameForEveryNumberOfRanks) {
  constexpr size_t kRows = 24;
  const Image image{3, 9, 11};
  const size_t pixels = size_t{3} * 9 * 11;
  const Augment augment{3, true, 11, 2};
  const std::vector<TypeParam> samples = random_samples<TypeParam>(kRows * pixels);
  std::vector<float> whole(kRows * pixels);
  input_batch(samples.data(), whole.data(), kRows, image, mean, deviation, augment, 640);
  for (const size_t ranks : {2, 3, 4}) {
    std::vector<float> parts(kRows * pixels);
    const size_t share = kRows / ranks;
    for (size_t rank = 0; rank < ranks; ++rank) {
      const size_t first = rank * share;
      input_batch(samples.data() + first * pixels, parts.data() + first * pixels, share, image,
                  mean, deviation, augment, 640 + first);
    }
    EXPECT_EQ(parts, whole) << ranks;
  }
}

TYPED_TEST(InputBatch, IsTheSameForSamplesThatLieApart) {
  constexpr size_t kRows = 7;
  const Image image{3, 9, 11};
  const std::vector<TypeParam> samples = random_samples<TypeParam>(kRows * image.elements());
  std::vector<const TypeParam*> places;
  std::vector<TypeParam> backwards(samples.size());
  for (size_t row = 0; row < kRows; ++row) {
    TypeParam* place = backwards.data() + (kRows - 1 - row) * image.elements();
    std::copy_n(samples.data() + row * image.elements(), image.elements(), place);
    places.push_back(place);
  }
  for (const Augment& augment : {Augment{}, Augment{3, true, 11, 2}}) {
    std::vector<float> expected(samples.size());
    std::vector<float> out(samples.size());
    input_batch(samples.data(), expected.data(), kRows, image, mean, deviation, augment, 5);
    input_batch(places.data(), out.data(), kRows, image, mean, deviation, augment, 5);
    EXPECT_EQ(out, expected);
  }
}

TYPED_TEST(InputBatch, RefusesStatisticsOfAnotherNumberOfChannels) {
  const std::vector<TypeParam> samples(4);
  std::vector<float> out(4);
  EXPECT_THROW(input_batch(samples.data(), out.data(), 1, Image{1, 2, 2}, mean, deviation),
               std::invalid_argument);
}

TEST(InputBatchOfBytes, EqualsTorchvisionToRoundingForEveryByte) {
  std::vector<uint8_t> samples(256);
  for (int x = 0; x < 256; ++x) samples[x] = static_cast<uint8_t>(x);
  std::vector<float> out(256);
  input_batch(samples.data(), out.data(), 1, Image{1, 16, 16}, std::span(mean).first(1),
              std::span(deviation).first(1));
  for (int x = 0; x < 256; ++x) EXPECT_NEAR(out[x], normalised(samples[x], 0), 5e-7);
}

TEST(Placement, TakesEveryOffsetAndSideAboutEquallyOften) {
  constexpr int kDraws = 81 * 2 * 500;
  std::map<std::tuple<int, int, bool>, int> seen;
  for (uint64_t position = 0; position < kDraws; ++position) {
    const Placement place = placement({4, true, 1, 0}, position);
    ++seen[{place.down, place.right, place.flipped}];
  }
  ASSERT_EQ(seen.size(), 81U * 2);
  for (const auto& [place, count] : seen) {
    EXPECT_GE(std::get<0>(place), -4);
    EXPECT_LE(std::get<0>(place), 4);
    EXPECT_GE(std::get<1>(place), -4);
    EXPECT_LE(std::get<1>(place), 4);
    EXPECT_NEAR(count, 500, 120);
  }
}

TEST(Placement, ChangesWithSeedEpochAndPosition) {
  const Augment augment{1000, true, 1, 0};
  const auto differs = [&](const Augment& other, uint64_t position) {
    const Placement a = placement(augment, 5);
    const Placement b = placement(other, position);
    return a.down != b.down || a.right != b.right;
  };
  EXPECT_FALSE(differs(augment, 5));
  EXPECT_TRUE(differs(augment, 6));
  EXPECT_TRUE(differs({1000, true, 2, 0}, 5));
  EXPECT_TRUE(differs({1000, true, 1, 1}, 5));
}

TEST(Placement, IsInPlaceWithoutAugmentation) {
  for (uint64_t position = 0; position < 100; ++position) {
    const Placement place = placement({}, position);
    EXPECT_EQ(place.down, 0);
    EXPECT_EQ(place.right, 0);
    EXPECT_FALSE(place.flipped);
  }
}

}  // namespace
}  // namespace ringtrain::kernels
