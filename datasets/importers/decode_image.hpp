// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ringtrain::datasets {

// Rows of pixels with their channels side by side.
struct DecodedImage {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;         // 1 or 3
  std::vector<uint8_t> pixels;  // [height, width, channels]
};

struct ImageSize {
  int64_t width = 0;
  int64_t height = 0;
};

// Reads the size from the header alone. Throws a data error with the reason (no file name).
ImageSize image_size(std::string_view bytes);

// Decodes a JPEG (libjpeg-turbo, also of CMYK colours) or PNG (libpng) to 1 (grey) or 3 (RGB)
// channels. CMYK becomes RGB by (255 - ink) * (255 - black) / 255, without a profile. A JPEG may be
// reduced to a half, a quarter or an eighth, which costs less than making all pixels; a side stays
// at least `least_width` or `least_height` if it was. Throws a data error with the reason (no file
// name): damaged, truncated, or of more than 2^26 pixels.
DecodedImage decode_image(std::string_view bytes, int64_t channels, int64_t least_width = 1 << 30,
                          int64_t least_height = 1 << 30);

}  // namespace ringtrain::datasets
