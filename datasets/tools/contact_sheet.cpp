// SPDX-License-Identifier: Apache-2.0
#include "datasets/tools/contact_sheet.hpp"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/mix.hpp"
#include "datasets/format/permutation.hpp"
#include "datasets/reading/block_store.hpp"

namespace ringtrain::datasets {
namespace {

constexpr int64_t kGap = 6;

class Canvas {
 public:
  Canvas(int64_t width, int64_t height)
      : width_(width), height_(height), pixels_(static_cast<size_t>(width * height * 3), 0xff) {}

  void set(int64_t x, int64_t y, uint8_t r, uint8_t g, uint8_t b) {
    if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
    uint8_t* p = &pixels_[static_cast<size_t>((y * width_ + x) * 3)];
    p[0] = r;
    p[1] = g;
    p[2] = b;
  }

  void save(const std::filesystem::path& destination) const {
    PendingFile pending(destination);
    png_image image;
    std::memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(width_);
    image.height = static_cast<png_uint_32>(height_);
    image.format = PNG_FORMAT_RGB;
    if (png_image_write_to_file(&image, pending.path().c_str(), 0, pixels_.data(), 0, nullptr) ==
        0) {
      throw io_error(fmt::format("{}: cannot be written: {}", destination.string(), image.message));
    }
    pending.commit();
  }

 private:
  int64_t width_;
  int64_t height_;
  std::vector<uint8_t> pixels_;
};

// Converts one sample to bytes, [channels, height, width].
std::vector<uint8_t> as_bytes(const DatasetIndex& index, const std::byte* x) {
  const auto elements = static_cast<size_t>(index.shape.elements());
  std::vector<uint8_t> bytes(elements);
  if (index.element == ElementType::u8) {
    std::memcpy(bytes.data(), x, elements);
    return bytes;
  }
  std::vector<float> values(elements);
  std::memcpy(values.data(), x, elements * sizeof(float));
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const float least = *low;
  const float range = std::max(*high - least, 1e-12F);
  for (size_t i = 0; i < elements; ++i) {
    const float share = (values[i] - least) / range;
    bytes[i] = static_cast<uint8_t>(share > 0 && share <= 1 ? share * 255 : 0);
  }
  return bytes;
}

void check_drawable(const DatasetIndex& index) {
  const Shape& shape = index.shape;
  const std::string& path = index.shards[0].path;
  if (index.element == ElementType::i64) {
    throw data_error(path + ": samples of whole numbers cannot be drawn");
  }
  if (shape.channels != 1 && shape.channels != 3) {
    throw data_error(fmt::format("{}: samples of {} channels cannot be drawn; 1 or 3 can", path,
                                 shape.channels));
  }
  if (shape.height > 1024 || shape.width > 1024) {
    throw data_error(path + ": samples of more than 1024 x 1024 cannot be drawn");
  }
}

// Positions of cells on a sheet that is about as wide as it is high. Small samples are enlarged.
struct Grid {
  Grid(const Shape& shape, int64_t cells)
      : zoom(std::max<int64_t>(1, 64 / std::max(shape.height, shape.width))),
        cell_width(shape.width * zoom + kGap),
        cell_height(shape.height * zoom + kGap) {
    const auto lines_of = [&] { return (cells + columns - 1) / columns; };
    while (columns * cell_width < lines_of() * cell_height) ++columns;
    lines = lines_of();
  }
  int64_t left(int64_t cell) const { return kGap + cell % columns * cell_width; }
  int64_t top(int64_t cell) const { return kGap + cell / columns * cell_height; }

  int64_t zoom;
  int64_t cell_width;
  int64_t cell_height;
  int64_t columns = 1;
  int64_t lines = 1;
};

// Draws one sample, [channels, height, width], with its corner at (left, top).
void draw(Canvas& canvas, const Shape& shape, const std::vector<uint8_t>& bytes, int64_t zoom,
          int64_t left, int64_t top) {
  const auto plane = static_cast<size_t>(shape.channels == 3 ? shape.height * shape.width : 0);
  for (int64_t y = 0; y < shape.height * zoom; ++y) {
    for (int64_t x = 0; x < shape.width * zoom; ++x) {
      const auto at = static_cast<size_t>(y / zoom * shape.width + x / zoom);
      canvas.set(left + x, top + y, bytes[at], bytes[at + plane], bytes[at + 2 * plane]);
    }
  }
}

}  // namespace

void write_contact_sheet(const DatasetIndex& index, Split split, uint64_t rows, uint64_t seed,
                         const std::filesystem::path& destination) {
  check_drawable(index);
  const uint64_t all = index.split(split).rows;
  rows = std::min({rows, all, uint64_t{400}});
  if (rows == 0) {
    throw data_error(fmt::format("{}: no {} rows to show", index.shards[0].path, name_of(split)));
  }
  const Grid grid(index.shape, static_cast<int64_t>(rows));
  Canvas canvas(grid.columns * grid.cell_width + kGap, grid.lines * grid.cell_height + kGap);
  BlockFiles files(index, split);
  MappedBlocks blocks(files, MappedBlocks::Access::blocks);
  const Permutation drawn(all, mix(seed));
  for (uint64_t i = 0; i < rows; ++i) {
    const uint64_t row = drawn(i);
    const BlockView view = blocks.view(row / index.block_rows);
    const auto bytes = as_bytes(index, view.x + row % index.block_rows * index.row_bytes());
    const auto cell = static_cast<int64_t>(i);
    draw(canvas, index.shape, bytes, grid.zoom, grid.left(cell), grid.top(cell));
  }
  canvas.save(destination);
}

}  // namespace ringtrain::datasets
