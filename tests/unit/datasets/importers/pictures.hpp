// SPDX-License-Identifier: Apache-2.0
// JPEG and PNG files for tests, made in memory.
#pragma once

#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <png.h>

#include "benchmarks/jpeg_encoder.hpp"

namespace ringtrain::datasets::testing {

// Pixels of one colour, or with a gradient when `flat` is false.
struct Picture {
  int width = 40;
  int height = 30;
  int channels = 3;
  int red = 200;
  int green = 100;
  int blue = 50;
  bool flat = true;
  bool progressive = false;

  std::vector<unsigned char> row(int y) const {
    std::vector<unsigned char> bytes(static_cast<size_t>(width * channels));
    for (size_t i = 0; i < bytes.size(); ++i) {
      const int colours[3] = {red, green, blue};
      const int shift = flat ? 0 : static_cast<int>(i) * 3 + y * 5;
      bytes[i] = static_cast<unsigned char>(colours[i % static_cast<size_t>(channels)] + shift);
    }
    return bytes;
  }
};

inline std::string jpeg(const Picture& picture) {
  return benchmarks::encode_jpeg(
      {.width = picture.width,
       .height = picture.height,
       .channels = picture.channels,
       .quality = 95,
       .progressive = picture.progressive},
      [&](int y, std::vector<unsigned char>& row) { row = picture.row(y); });
}

// Any format of libpng's simplified interface; `pixels` of PNG_IMAGE_SIZE.
inline std::string png(int width, int height, unsigned format,
                       const std::vector<unsigned char>& pixels) {
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  png_alloc_size_t size = 0;
  if (png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr) == 0) {
    throw std::runtime_error(image.message);
  }
  std::string bytes(size, '\0');
  png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  bytes.resize(size);
  return bytes;
}

inline std::string png(const Picture& picture) {
  std::vector<unsigned char> pixels;
  for (int y = 0; y < picture.height; ++y) {
    const auto row = picture.row(y);
    pixels.insert(pixels.end(), row.begin(), row.end());
  }
  return png(picture.width, picture.height,
             picture.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY, pixels);
}

}  // namespace ringtrain::datasets::testing
