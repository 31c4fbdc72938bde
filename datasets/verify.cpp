// SPDX-License-Identifier: Apache-2.0
#include "datasets/verify.hpp"

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

#include "datasets/crc32c.hpp"
#include "datasets/error.hpp"
#include "datasets/file.hpp"

namespace ringtrain::datasets {

void verify_block(const Plan& plan, Split split, const Piece& piece, uint64_t block,
                  const std::byte* x, const std::byte* y) {
  const uint64_t first = block * plan.block_rows;
  const uint64_t rows = std::min(plan.block_rows, piece.rows - first);
  const auto refuse = [&](std::string_view dataset, std::string_view what) {
    throw DataError(fmt::format("{}: /{}/{}: {} in rows {} to {}", plan.files[piece.file].path,
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

// Reads and checks the blocks of a piece, with a thread for every core.
class PieceCheck {
 public:
  PieceCheck(const Plan& plan, Split split, const Piece& piece)
      : plan_(plan),
        split_(split),
        piece_(piece),
        file_(File::open_for_reading(plan.files[piece.file].path)) {}

  // progress is told of more rows; one thread at a time calls it. Throws what the first bad block
  // in the file's order says.
  void run(const std::function<void(uint64_t rows)>& progress) {
    const uint64_t blocks = (piece_.rows + plan_.block_rows - 1) / plan_.block_rows;
    const auto threads =
        std::min<uint64_t>(blocks, std::max(1U, std::thread::hardware_concurrency()));
    {
      std::vector<std::jthread> pool;
      for (uint64_t t = 0; t < threads; ++t) pool.emplace_back([&] { work(blocks, progress); });
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work(uint64_t blocks, const std::function<void(uint64_t rows)>& progress) {
    uint64_t block = 0;
    try {
      std::vector<std::byte> x(std::min(plan_.block_rows, piece_.rows) * plan_.row_bytes());
      std::vector<std::byte> y(std::min(plan_.block_rows, piece_.rows) * sizeof(int64_t));
      // Blocks are taken in order, so every block before a bad one is checked too.
      while ((block = next_++) < std::min(blocks, bad_block_.load())) {
        const uint64_t rows = check(block, x.data(), y.data());
        const std::lock_guard lock(mutex_);
        progress(rows);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (block < bad_block_) {
        bad_block_ = block;
        failure_ = std::current_exception();
      }
    }
  }

  uint64_t check(uint64_t block, std::byte* x, std::byte* y) const {
    const uint64_t first = block * plan_.block_rows;
    const uint64_t rows = std::min(plan_.block_rows, piece_.rows - first);
    file_.read_at(x, rows * plan_.row_bytes(), piece_.x_offset + first * plan_.row_bytes());
    file_.read_at(y, rows * sizeof(int64_t), piece_.y_offset + first * sizeof(int64_t));
    verify_block(plan_, split_, piece_, block, x, y);
    return rows;
  }

  const Plan& plan_;
  Split split_;
  const Piece& piece_;
  File file_;
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
    for (const Piece& piece : plan.part(split).pieces) {
      PieceCheck(plan, split, piece).run([&](uint64_t rows) {
        done += rows;
        if (progress) progress(done, total);
      });
    }
  }
}

}  // namespace ringtrain::datasets
