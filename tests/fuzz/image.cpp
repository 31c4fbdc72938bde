// SPDX-License-Identifier: Apache-2.0
// Decoding a JPEG or PNG and bringing it to a size.
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "datasets/importers/decode_image.hpp"
#include "datasets/importers/resize.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringtrain::datasets;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr int64_t kSide = 24;
  try {
    const ImageSize promised = image_size(bytes);
    if (promised.width * promised.height > int64_t{1} << 18) return 0;  // allowed, but slow
    for (const int64_t channels : {1, 3}) {
      const DecodedImage image = decode_image(bytes, channels, kSide, kSide);
      std::vector<uint8_t> out(static_cast<size_t>(channels * kSide * kSide));
      Resizer resizer;
      for (const Fit fit : {Fit::crop, Fit::stretch}) {
        resizer.resize(image, window_of(image, kSide, kSide, fit), kSide, kSide, out.data());
      }
    }
  } catch (const ringtrain::Error&) {
  }
  return 0;
}
