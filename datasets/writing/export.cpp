// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/export.hpp"

#include <fmt/format.h>

#include <functional>
#include <string>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/reading/block_store.hpp"
#include "datasets/writing/npy_header.hpp"

namespace ringtrain::datasets {
namespace {

using Path = std::filesystem::path;

Path export_path(const Path& directory, Split split, std::string_view part) {
  return directory / fmt::format("{}_{}.npy", name_of(split), part);
}

void export_split(const DatasetIndex& index, Split split, const Path& directory,
                  const std::function<void(uint64_t rows)>& progress) {
  const uint64_t rows = index.split(split).rows;
  PendingFile x_pending(export_path(directory, split, "x"));
  PendingFile y_pending(export_path(directory, split, "y"));
  const std::string x_header =
      npy_header(npy_type(index.element), fmt::format("{}, {}, {}, {}", rows, index.shape.channels,
                                                      index.shape.height, index.shape.width));
  const std::string y_header =
      index.has_targets()
          ? npy_header("<f4", fmt::format("{}, {}", rows, index.targets.names.size()))
          : npy_header("<i8", fmt::format("{},", rows));
  x_pending.file().write_at(x_header.data(), x_header.size(), 0);
  y_pending.file().write_at(y_header.data(), y_header.size(), 0);
  uint64_t x_at = x_header.size();
  uint64_t y_at = y_header.size();
  BlockFiles files(index, split);
  BlockBuffer buffer(files);
  for (uint64_t block = 0; block < files.blocks(); ++block) {
    const BlockView view = buffer.read(block);
    const uint64_t count = files.place(block).rows;
    x_pending.file().write_at(view.x, count * index.row_bytes(), x_at);
    y_pending.file().write_at(view.y, count * index.y_bytes(), y_at);
    x_at += count * index.row_bytes();
    y_at += count * index.y_bytes();
    progress(count);
  }
  x_pending.commit();
  y_pending.commit();
}

}  // namespace

std::vector<std::filesystem::path> export_paths(const DatasetIndex& index,
                                                const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> paths;
  for (const Split split : {Split::train, Split::test}) {
    if (index.split(split).rows == 0) continue;
    for (const char* part : {"x", "y"}) paths.push_back(export_path(directory, split, part));
  }
  return paths;
}

std::vector<std::filesystem::path> export_npy(const DatasetIndex& index,
                                              const std::filesystem::path& directory,
                                              const Progress& progress) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw io_error(fmt::format("{}: {}", directory.string(), error.message()));
  const uint64_t total = index.train.rows + index.test.rows;
  uint64_t done = 0;
  for (const Split split : {Split::train, Split::test}) {
    if (index.split(split).rows == 0) continue;
    export_split(index, split, directory, [&](uint64_t rows) {
      done += rows;
      if (progress) progress(done, total);
    });
  }
  return export_paths(index, directory);
}

}  // namespace ringtrain::datasets
