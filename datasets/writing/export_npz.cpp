// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/reading/block_store.hpp"
#include "datasets/writing/export.hpp"
#include "datasets/writing/npy_header.hpp"
#include "datasets/writing/stored_zip.hpp"

namespace ringtrain::datasets {
namespace {

std::string x_header(const DatasetIndex& index, uint64_t rows) {
  const Shape& shape = index.shape;
  const std::string channels = shape.channels == 1 ? "" : fmt::format("{}, ", shape.channels);
  return npy_header(npy_type(index.element),
                    fmt::format("{}, {}{}, {}", rows, channels, shape.height, shape.width));
}

std::string y_header(const DatasetIndex& index, uint64_t rows) {
  if (!index.has_targets()) return npy_header("<i8", fmt::format("{},", rows));
  return npy_header("<f4", fmt::format("{}, {}", rows, index.targets.names.size()));
}

}  // namespace

std::vector<std::filesystem::path> npz_paths(const std::filesystem::path& directory,
                                             uint64_t parts) {
  std::vector<std::filesystem::path> paths;
  for (uint64_t k = 0; k < parts; ++k) paths.push_back(directory / fmt::format("{}.npz", k));
  return paths;
}

std::vector<std::filesystem::path> export_npz(const DatasetIndex& index,
                                              const std::filesystem::path& directory,
                                              uint64_t parts, const Progress& progress) {
  const uint64_t total = index.train.rows;
  if (parts == 0 || parts > total) {
    throw job_error(
        fmt::format("--npz {}: must be from 1 to the {} training rows", parts, print_count(total)));
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw io_error(fmt::format("{}: {}", directory.string(), error.message()));
  const uint64_t rows_of_part = total / parts;
  const auto paths = npz_paths(directory, parts);
  BlockFiles files(index, Split::train);
  BlockBuffer buffer(files);
  std::string x = x_header(index, rows_of_part);
  std::string y = y_header(index, rows_of_part);
  uint64_t done = 0;
  for (uint64_t block = 0; block < files.blocks(); ++block) {
    const BlockView view = buffer.read(block);
    const uint64_t rows = files.place(block).rows;
    for (uint64_t at = 0; at < rows && done < rows_of_part * parts;) {
      const uint64_t count = std::min(rows - at, rows_of_part - done % rows_of_part);
      x.append(reinterpret_cast<const char*>(view.x) + at * index.row_bytes(),
               count * index.row_bytes());
      y.append(reinterpret_cast<const char*>(view.y) + at * index.y_bytes(),
               count * index.y_bytes());
      at += count;
      done += count;
      if (done % rows_of_part != 0) continue;
      StoredZip zip(paths[done / rows_of_part - 1]);
      zip.add("x.npy", x);
      zip.add("y.npy", y);
      zip.commit();
      x = x_header(index, rows_of_part);
      y = y_header(index, rows_of_part);
    }
    if (progress) progress(done, total);
  }
  return paths;
}

}  // namespace ringtrain::datasets
