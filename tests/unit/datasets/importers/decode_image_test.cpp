// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/decode_image.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/jpeg_encoder.hpp"
#include "tests/unit/datasets/fixtures.hpp"

namespace ringtrain::datasets {
namespace {

TEST(DecodeImage, ConvertsCmyk) {
  // Inks of 20 % cyan, 60 % magenta, 40 % yellow and 50 % black.
  const std::array<unsigned char, 4> inks = {51, 153, 102, 128};
  for (const bool adobe : {false, true}) {
    for (const bool ycck : {false, true}) {
      if (ycck && !adobe) continue;  // without the marker nothing says that it is YCCK
      const std::string bytes = benchmarks::encode_jpeg(
          {.width = 24,
           .height = 16,
           .channels = 4,
           .quality = 100,
           .ycck = ycck,
           .adobe_marker = adobe},
          [&](int, std::vector<unsigned char>& row) {
            for (size_t i = 0; i < row.size(); ++i) {
              row[i] = static_cast<unsigned char>(adobe ? 255 - inks[i % 4] : inks[i % 4]);
            }
          });
      const DecodedImage colour = decode_image(bytes, 3);
      ASSERT_EQ(colour.pixels.size(), 24U * 16 * 3);
      EXPECT_NEAR(colour.pixels[0], 102, 2) << adobe << ycck;  // 0.8 * 0.5 of 255
      EXPECT_NEAR(colour.pixels[1], 51, 2) << adobe << ycck;
      EXPECT_NEAR(colour.pixels[2], 76, 2) << adobe << ycck;
      const DecodedImage grey = decode_image(bytes, 1);
      ASSERT_EQ(grey.pixels.size(), 24U * 16);
      EXPECT_NEAR(grey.pixels.back(), 0.299 * 102 + 0.587 * 51 + 0.114 * 76, 2) << adobe << ycck;
      EXPECT_EQ(decode_image(bytes, 3, 6, 4).width, 6);
    }
  }
}

TEST(DecodeImage, NamesFormatsThatAreNotRead) {
  const std::pair<std::string, std::string> formats[] = {
      {"BM....", "a BMP"}, {"GIF89a", "a GIF"}, {"RIFF....WEBPVP8 ", "a WebP"}};
  for (const auto& [header, name] : formats) {
    const std::string expected = name + ", which is not read: convert it to JPEG or PNG";
    EXPECT_EQ(testing::data_refusal([&] { image_size(header); }), expected);
    EXPECT_EQ(testing::data_refusal([&] { decode_image(header, 3); }), expected);
  }
  EXPECT_EQ(testing::data_refusal([&] { image_size("RIFF....AVI "); }), "neither a JPEG nor a PNG");
}

}  // namespace
}  // namespace ringtrain::datasets
