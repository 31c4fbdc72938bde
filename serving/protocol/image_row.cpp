// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/image_row.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/error.hpp"
#include "datasets/importers/decode_image.hpp"
#include "serving/protocol/drawing.hpp"

namespace ringtrain::serving {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 24;  // of a drawing

}  // namespace

bool takes_images(const datasets::DatasetIndex& model) {
  return model.element == datasets::ElementType::u8 &&
         (model.shape.channels == 1 || model.shape.channels == 3);
}

std::string image_row(std::string_view bytes, const datasets::DatasetIndex& model,
                      datasets::Fit fit) {
  const datasets::Shape& shape = model.shape;
  std::string row(model.row_bytes(), '\0');
  const auto image = datasets::decode_image(bytes, shape.channels, shape.width, shape.height);
  datasets::Resizer().resize(image, window_of(image, shape.width, shape.height, fit), shape.width,
                             shape.height, reinterpret_cast<uint8_t*>(row.data()));
  return row;
}

std::string drawn_row(std::string_view bytes, const datasets::DatasetIndex& model) {
  const auto size = datasets::image_size(bytes);
  if (size.width * size.height > kMostPixels) {
    throw data_error(
        fmt::format("a drawing of {} x {} pixels is too large", size.width, size.height));
  }
  const auto drawing = datasets::decode_image(bytes, 1);
  std::vector<uint8_t> ink = centred(drawing, model.shape.width, model.shape.height);
  if (model.mean.at(0) > 0.5F) {
    for (uint8_t& pixel : ink) pixel = static_cast<uint8_t>(255 - pixel);
  }
  std::string row;
  for (int64_t channel = 0; channel < model.shape.channels; ++channel) {
    row.append(ink.begin(), ink.end());
  }
  return row;
}

}  // namespace ringtrain::serving
