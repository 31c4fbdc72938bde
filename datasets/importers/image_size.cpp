// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/image_size.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "datasets/importers/decode_image.hpp"

namespace ringtrain::datasets {

void ImageSizeVotes::add(std::string_view bytes) {
  try {
    const ImageSize size = image_size(bytes);
    ++counts_[{size.height, size.width}];
    ++sized_;
  } catch (const Error&) {
    // Decoding it names it.
  }
}

std::string ImageSizeVotes::choose(ImageSources& sources) const {
  constexpr int64_t kUsual = 224;  // of networks for photographs
  const bool given = sources.height != 0 || sources.width != 0;
  if (sources.height == 0) sources.height = kUsual;
  if (sources.width == 0) sources.width = kUsual;
  if (given) return "";
  const auto most = std::max_element(counts_.begin(), counts_.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  std::string why = "the images differ in size";
  if (sized_ > 0 && most->second > sized_ / 2) {
    const auto [height, width] = most->first;
    why = fmt::format("most images have {} x {}", height, width);
    if (height >= 1 && width >= 1 && height <= kUsual && width <= kUsual) {
      sources.height = height;
      sources.width = width;
    }
  }
  return fmt::format("samples are {} x {} (height x width), since {}; --height and --width choose",
                     sources.height, sources.width, why);
}

}  // namespace ringtrain::datasets
