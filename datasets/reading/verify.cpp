// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/reading/block_store.hpp"

namespace ringtrain::datasets {

void verify_block(const Plan& plan, Split split, const Piece& piece, uint64_t block,
                  const std::byte* x, const std::byte* y) {
  const uint64_t first = block * plan.block_rows;
  const uint64_t rows = std::min(plan.block_rows, piece.rows - first);
  const auto refuse = [&](std::string_view dataset, std::string_view what) {
    throw data_error(fmt::format("{}: /{}/{}: {} in rows {} to {}", plan.files[piece.file].path,
                                 name_of(split), dataset, what, first, first + rows - 1));
  };
  constexpr std::string_view kDamaged = "damaged (wrong checksum)";
  if (crc32c(x, rows * plan.row_bytes()) != piece.x_crc32c[block]) refuse("x", kDamaged);
  if (crc32c(y, rows * sizeof(int64_t)) != piece.y_crc32c[block]) refuse("y", kDamaged);
  const auto classes = static_cast<uint64_t>(plan.class_names.size());
  for (uint64_t i = 0; i < rows; ++i) {
    uint64_t label;
    std::memcpy(&label, y + i * sizeof label, sizeof label);
    if (label >= classes) {  // a negative label is a large one here
      refuse("y", fmt::format("label {} outside 0..{}", static_cast<int64_t>(label), classes - 1));
    }
  }
}

namespace {

// Reads and checks the blocks of a split, with a thread for every core.
class SplitCheck {
 public:
  SplitCheck(const Plan& plan, Split split) : files_(plan, split) {}

  // progress is told of more rows; one thread at a time calls it. Throws what the first bad block
  // in the order of the rows says.
  void run(const std::function<void(uint64_t rows)>& progress) {
    const auto threads =
        std::min<uint64_t>(files_.blocks(), std::max(1U, std::thread::hardware_concurrency()));
    {
      std::vector<std::jthread> pool;
      for (uint64_t t = 0; t < threads; ++t) pool.emplace_back([&] { work(progress); });
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work(const std::function<void(uint64_t rows)>& progress) {
    const Plan& plan = files_.plan();
    const uint64_t largest = std::min(plan.block_rows, plan.part(files_.split()).rows);
    uint64_t block = 0;
    try {
      std::vector<std::byte> x(largest * plan.row_bytes());
      std::vector<std::byte> y(largest * sizeof(int64_t));
      // Blocks are taken in order, so every block before a bad one is checked too.
      while ((block = next_++) < std::min(files_.blocks(), bad_block_.load())) {
        const BlockPlace place = files_.place(block);
        const File& file = files_.file(place);
        file.read_at(x.data(), place.rows * plan.row_bytes(), place.x_offset);
        file.read_at(y.data(), place.rows * sizeof(int64_t), place.y_offset);
        verify_block(plan, files_.split(), *place.piece, place.index, x.data(), y.data());
        const std::lock_guard lock(mutex_);
        progress(place.rows);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (block < bad_block_) {
        bad_block_ = block;
        failure_ = std::current_exception();
      }
    }
  }

  const BlockFiles files_;
  std::atomic<uint64_t> next_ = 0;
  std::atomic<uint64_t> bad_block_ = std::numeric_limits<uint64_t>::max();
  std::mutex mutex_;  // of failure_ and of progress
  std::exception_ptr failure_;
};

}  // namespace

void verify(const Plan& plan, const Progress& progress) {
  const uint64_t total = plan.train.rows + plan.test.rows;
  uint64_t done = 0;
  for (const Split split : {Split::train, Split::test}) {
    SplitCheck(plan, split).run([&](uint64_t rows) {
      done += rows;
      if (progress) progress(done, total);
    });
  }
}

}  // namespace ringtrain::datasets
