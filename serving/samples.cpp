// SPDX-License-Identifier: Apache-2.0
#include "serving/samples.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/terminal/printable.hpp"
#include "datasets/importers/left_out.hpp"
#include "datasets/reading/block_store.hpp"
#include "serving/array_file.hpp"
#include "serving/protocol/image_row.hpp"

namespace ringtrain::serving {
namespace {

constexpr uint64_t kMaxImageBytes = uint64_t{256} << 20;

Sample read_image(const std::filesystem::path& file, const datasets::DatasetIndex& model,
                  datasets::Fit fit) {
  if (!takes_images(model)) {
    const datasets::Shape& shape = model.shape;
    throw data_error(fmt::format("{}: the model was not trained on images, but on {} x {} x {} {}",
                                 file.string(), shape.channels, shape.height, shape.width,
                                 name_of(model.element)));
  }
  const std::string bytes = read_file(file, kMaxImageBytes);
  Sample sample{.name = file.string(), .bytes = {}};
  try {
    const std::string row = image_row(bytes, model, fit);
    const auto* const begin = reinterpret_cast<const std::byte*>(row.data());
    sample.bytes.assign(begin, begin + row.size());
  } catch (const Error& error) {
    throw data_error(fmt::format("{}: {}", file.string(), error.what()));
  }
  return sample;
}

// Returns the class of a row, or its targets: "price 12.5, rent 3". Requires: the row was checked.
std::string answer_text(const datasets::DatasetIndex& dataset, const std::byte* y) {
  if (!dataset.has_targets()) {
    int64_t label = 0;
    std::memcpy(&label, y, sizeof label);
    return printable(dataset.class_names.at(static_cast<size_t>(label)));
  }
  std::string text;
  for (const std::string& name : dataset.targets.names) {
    float value = 0;
    std::memcpy(&value, y, sizeof value);
    y += sizeof value;
    text += fmt::format("{}{} {:.6g}", text.empty() ? "" : ", ", printable(name), value);
  }
  return text;
}

}  // namespace

std::vector<Sample> read_samples(const std::filesystem::path& file,
                                 const datasets::DatasetIndex& model, datasets::Fit fit) {
  const std::string kind = datasets::suffix_of(file.filename().string());
  if (kind == ".npy") return read_array(file, model);
  if (kind == ".jpg" || kind == ".jpeg" || kind == ".png") return {read_image(file, model, fit)};
  throw data_error(
      fmt::format("{}: only .jpg, .jpeg, .png and .npy files can be predicted; rows of "
                  "a dataset by --dataset and --row",
                  file.string()));
}

Sample read_row(const datasets::DatasetIndex& dataset, datasets::Split split, uint64_t row,
                const datasets::DatasetIndex& model) {
  const std::string& path = dataset.shards.at(0).path;
  const uint64_t rows = dataset.split(split).rows;
  if (row >= rows) {
    throw data_error(fmt::format("{} has {} {} rows, from 0; there is no row {}", path, rows,
                                 name_of(split), row));
  }
  if (dataset.shape != model.shape || dataset.element != model.element) {
    throw data_error(fmt::format("{} has samples of another shape or type than the model", path));
  }
  datasets::BlockFiles files(dataset, split);
  datasets::MappedBlocks blocks(files, datasets::MappedBlocks::Access::blocks);
  const datasets::BlockView view = blocks.view(row / dataset.block_rows);
  const uint64_t within = row % dataset.block_rows;
  const std::byte* const x = view.x + within * dataset.row_bytes();
  return {.name = fmt::format("{} {} {} ({})", path, name_of(split), row,
                              answer_text(dataset, view.y + within * dataset.y_bytes())),
          .bytes = {x, x + dataset.row_bytes()}};
}

}  // namespace ringtrain::serving
