// SPDX-License-Identifier: Apache-2.0
// Drawings as MNIST has its digits: "The original black and white images were size normalized to
// fit in a 20x20 pixel box while preserving their aspect ratio. [...] the images were centered in a
// 28x28 image by computing the center of mass of the pixels, and translating the image so as to
// position this point at the center of the 28x28 field." http://yann.lecun.com/exdb/mnist
#pragma once

#include <cstdint>
#include <vector>

#include "datasets/importers/decode_image.hpp"

namespace ringtrain::serving {

// Scales what is drawn to 20/28 of the size, and moves its centre of mass to the middle; what is
// moved beyond an edge is lost. drawing: one channel, ink bright on 0. Returns [height, width];
// all 0 where nothing is drawn.
std::vector<uint8_t> centred(const datasets::DecodedImage& drawing, int64_t width, int64_t height);

}  // namespace ringtrain::serving
