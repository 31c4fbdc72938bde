// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/reading/block_store.hpp"

namespace ringtrain::datasets {
namespace {

// NEP 1: magic, version 1.0, length, a Python literal padded so that the numbers begin at a
// multiple of 64.
std::string npy_header(std::string_view type, const std::string& shape) {
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, shape);
  constexpr size_t kFixed = 10;
  text.append(63 - (kFixed + text.size()) % 64, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

}  // namespace

std::vector<std::filesystem::path> export_npy(const Plan& plan,
                                              const std::filesystem::path& directory,
                                              const Progress& progress) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw data_error(fmt::format("{}: {}", directory.string(), error.message()));
  const uint64_t total = plan.train.rows + plan.test.rows;
  uint64_t done = 0;
  std::vector<std::filesystem::path> written;
  for (const Split split : {Split::train, Split::test}) {
    const uint64_t rows = plan.part(split).rows;
    if (rows == 0) continue;
    BlockFiles files(plan, split);
    PendingFile x_pending(directory / fmt::format("{}_x.npy", name_of(split)));
    PendingFile y_pending(directory / fmt::format("{}_y.npy", name_of(split)));
    File& x_out = x_pending.file();
    File& y_out = y_pending.file();
    const std::string x_header = npy_header(plan.element == Element::u8 ? "|u1" : "<f4",
                                            fmt::format("{}, {}, {}, {}", rows, plan.shape.channels,
                                                        plan.shape.height, plan.shape.width));
    const std::string y_header = npy_header("<i8", fmt::format("{},", rows));
    x_out.write_at(x_header.data(), x_header.size(), 0);
    y_out.write_at(y_header.data(), y_header.size(), 0);
    const uint64_t largest = std::min(plan.block_rows, rows);
    std::vector<std::byte> x(largest * plan.row_bytes());
    std::vector<std::byte> y(largest * sizeof(int64_t));
    for (uint64_t first = 0; first < rows; first += plan.block_rows) {
      const uint64_t block = first / plan.block_rows;
      const BlockPlace place = files.place(block);
      const uint64_t x_bytes = place.rows * plan.row_bytes();
      const uint64_t y_bytes = place.rows * sizeof(int64_t);
      files.file(place).read_at(x.data(), x_bytes, place.x_offset);
      files.file(place).read_at(y.data(), y_bytes, place.y_offset);
      files.check(block, place, {x.data(), y.data()});
      x_out.write_at(x.data(), x_bytes, x_header.size() + first * plan.row_bytes());
      y_out.write_at(y.data(), y_bytes, y_header.size() + first * sizeof(int64_t));
      done += place.rows;
      if (progress) progress(done, total);
    }
    x_pending.commit();
    y_pending.commit();
    written.push_back(x_pending.destination());
    written.push_back(y_pending.destination());
  }
  return written;
}

}  // namespace ringtrain::datasets
