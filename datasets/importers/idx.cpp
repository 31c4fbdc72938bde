// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/idx.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/importers/seeded_split.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

// Reads and checks the header: two zero bytes, the type, the number of dimensions, then the
// dimensions.
std::vector<uint64_t> read_header(ByteSource& source, std::string_view contents, size_t min_dims,
                                  size_t max_dims) {
  std::array<unsigned char, 4> magic{};
  source.read_exactly(magic.data(), magic.size());
  constexpr unsigned char kUnsignedByte = 0x08;
  if (magic[0] != 0 || magic[1] != 0) {
    throw data_error(fmt::format("{}: not an IDX file", source.name()));
  }
  if (magic[2] != kUnsignedByte) {
    throw data_error(fmt::format("{}: IDX type {:#04x}; only unsigned bytes (0x08) are supported",
                                 source.name(), magic[2]));
  }
  if (magic[3] < min_dims || magic[3] > max_dims) {
    throw data_error(
        fmt::format("{}: has {} dimensions, which {} do not have; are the files swapped?",
                    source.name(), magic[3], contents));
  }
  std::vector<uint64_t> dims;
  uint64_t bytes = 4 + 4 * uint64_t{magic[3]};
  uint64_t product = 1;
  for (int i = 0; i < magic[3]; ++i) {
    std::array<unsigned char, 4> raw{};
    source.read_exactly(raw.data(), raw.size());
    dims.push_back(uint64_t{raw[0]} << 24 | uint64_t{raw[1]} << 16 | uint64_t{raw[2]} << 8 |
                   raw[3]);
    if (dims.back() == 0) throw data_error(fmt::format("{}: a dimension is zero", source.name()));
    if (__builtin_mul_overflow(product, dims.back(), &product)) product = ~uint64_t{0};
  }
  if (__builtin_add_overflow(bytes, product, &bytes) || bytes > source.most_bytes()) {
    throw data_error(fmt::format("{}: its header promises {} rows, more than the file can hold",
                                 source.name(), dims[0]));
  }
  return dims;
}

void expect_end(ByteSource& source) {
  char byte = 0;
  if (source.read(&byte, 1) != 0) {
    throw data_error(fmt::format("{}: has bytes after the last row", source.name()));
  }
}

std::vector<int64_t> read_labels(ByteSource& source) {
  const uint64_t count = read_header(source, "labels", 1, 1)[0];
  // Read in steps: a gzipped file may still hold less than it can.
  std::vector<int64_t> labels;
  std::vector<uint8_t> step(uint64_t{1} << 20);
  while (labels.size() < count) {
    const size_t n = std::min(count - labels.size(), step.size());
    source.read_exactly(step.data(), n);
    labels.insert(labels.end(), step.begin(), step.begin() + static_cast<std::ptrdiff_t>(n));
  }
  expect_end(source);
  return labels;
}

Shape shape_of(const std::vector<uint64_t>& dims) {
  const auto d = [&](size_t i) { return static_cast<int64_t>(dims[i]); };
  return dims.size() == 3 ? Shape{1, d(1), d(2)} : Shape{d(1), d(2), d(3)};
}

void check_count(const ByteSource& images, uint64_t rows, const ByteSource& labels,
                 uint64_t count) {
  if (rows != count) {
    throw data_error(fmt::format("{} has {}, but {} has {}", images.name(), counted(rows, "image"),
                                 labels.name(), counted(count, "label")));
  }
}

// Images with their labels.
struct Part {
  Shape shape;
  uint64_t rows = 0;            // in the files
  std::vector<int64_t> labels;  // of the rows that are imported
};

Part read_part(ByteSource& images, ByteSource& labels) {
  const std::vector<uint64_t> dims = read_header(images, "images", 3, 4);
  Part part{shape_of(dims), dims[0], read_labels(labels)};
  check_count(images, part.rows, labels, part.labels.size());
  return part;
}

}  // namespace

DatasetIndex import_idx(const IdxSources& sources, const std::filesystem::path& destination,
                        const ImportOptions& options) {
  Part train = read_part(sources.train_images, sources.train_labels);
  std::optional<Part> test;
  if (sources.test_images != nullptr) {
    test = read_part(*sources.test_images, *sources.test_labels);
    if (test->shape != train.shape) {
      throw data_error(fmt::format("{} and {} hold images of different sizes",
                                   sources.train_images.name(), sources.test_images->name()));
    }
  }
  train.labels.resize(limited(options, train.labels.size()));
  const auto [least, most] = std::minmax_element(train.labels.begin(), train.labels.end());
  require_two_classes(options, sources.train_labels.name(), *least == *most ? 1 : 2);
  int64_t largest = *most;
  std::optional<SeededSplit> split;
  if (test) {
    largest = std::max(largest, *std::max_element(test->labels.begin(), test->labels.end()));
  } else {
    split.emplace(train.labels, sources.test_share, options.shuffle_seed,
                  sources.train_images.name());
    if (options.keep_order) split->keep_order();
  }

  NewDataset dataset =
      new_dataset(options, sources.train_images.name(), ElementType::u8, train.shape);
  dataset.train_rows = split ? split->train_rows() : train.labels.size();
  dataset.test_rows = split ? split->test_rows() : test->labels.size();
  Writer writer(destination, dataset);
  writer.set_class_names(
      class_names_for(options, static_cast<uint64_t>(largest) + 1, sources.train_labels.name()));
  writer.set_source_sha256(options.source_sha256);

  std::vector<std::byte> row(static_cast<size_t>(dataset.shape.elements()));
  uint64_t done = 0;
  const auto copy = [&](Split own, ByteSource& images, const Part& part) {
    for (uint64_t i = 0; i < part.labels.size(); ++i) {
      images.read_exactly(row.data(), row.size());
      const SeededSplit::Place place = split ? (*split)(i) : SeededSplit::Place{own, i};
      writer.put(place.split, place.row, row.data(), part.labels[i]);
      if (options.progress && ++done % 1024 == 0) {
        options.progress(done, dataset.train_rows + dataset.test_rows);
      }
    }
    if (part.labels.size() == part.rows) expect_end(images);
  };
  copy(Split::train, sources.train_images, train);
  if (test) copy(Split::test, *sources.test_images, *test);
  return writer.finish();
}

}  // namespace ringtrain::datasets
