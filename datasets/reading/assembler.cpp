// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/assembler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/machine.hpp"

namespace ringtrain::datasets {
namespace {

// Of what a reader may hand out as it lies in the file.
bool is_aligned(const Plan& plan, Split split) {
  const auto& pieces = plan.part(split).pieces;
  return std::all_of(pieces.begin(), pieces.end(), [&](const Piece& piece) {
    return piece.x_offset % size_of(plan.element) == 0;
  });
}

}  // namespace

BatchBuffer::BatchBuffer(uint64_t rows, uint64_t row_bytes, bool contiguous)
    : x(nullptr, std::free), samples(rows), y(rows), row_ids(rows) {
  if (contiguous) {
    constexpr uint64_t kLine = 64;
    x.reset(static_cast<std::byte*>(
        std::aligned_alloc(kLine, (rows * row_bytes + 2 * kLine - 1) / kLine * kLine)));
    if (x == nullptr) throw std::bad_alloc();
  }
  batch.x = x.get();
  batch.samples = samples.data();
  batch.y = y.data();
  batch.row_ids = row_ids.data();
}

Slice Assembler::Walk::take(uint64_t rows, uint64_t batch_size) {
  const Slice slice{position, std::min(batch_size, rows - position)};
  position += slice.count;
  return slice;
}

Assembler::Assembler(const Plan& plan, Split split, const ReaderOptions& options)
    : options_(options),
      files_(plan, split),
      rows_(plan.part(split).rows),
      row_bytes_(plan.row_bytes()),
      contiguous_(options.contiguous || !is_aligned(plan, split)),
      order_(rows_, plan.block_rows, options.batch_size, options.seed, options.shuffle) {
  Tier tier = options.tier;
  if (tier == Tier::automatic) {
    const uint64_t bytes = plan.bytes(Split::train) + plan.bytes(Split::test);
    tier = bytes <= this_machine_memory().usable() / 2 ? Tier::in_memory : Tier::out_of_core;
  }
  const bool fits = tier == Tier::in_memory;
  blocks_.emplace(files_, fits ? MappedBlocks::Access::whole : MappedBlocks::Access::blocks);
  if (!fits) ahead_.emplace(files_);
}

BatchBuffer Assembler::make_buffer() const {
  const auto size = static_cast<uint64_t>(options_.world_size);
  return {std::min((options_.batch_size + size - 1) / size, rows_), row_bytes_, contiguous_};
}

void Assembler::start(uint64_t epoch, uint64_t first_position) {
  if (first_position != rows_ &&
      (first_position > rows_ || first_position % options_.batch_size != 0)) {
    throw std::invalid_argument(
        fmt::format("Reader::start: position {} is not the start of a batch of {}", first_position,
                    options_.batch_size));
  }
  files_.check_sizes();
  epoch_order_.emplace(order_.epoch(epoch));
  terms_.emplace(epoch);
  if (ahead_) ahead_->forget();
  lanes_.assign(epoch_order_->lanes() + 1, {});
  walk_ = {first_position};
  scout_ = {first_position};
}

bool Assembler::assemble(BatchBuffer& buffer) {
  if (walk_.position >= rows_) return false;
  if (ahead_) look_ahead();
  const Slice global = walk_.take(rows_, options_.batch_size);
  const Slice own = slice_of(global, options_.rank, options_.world_size);
  Batch& batch = buffer.batch;
  batch.first_position = own.first;
  batch.global_first = global.first;
  batch.global_rows = global.count;
  batch.rows = static_cast<uint32_t>(own.count);
  list_rows(own, buffer);
  if (contiguous_) copy_rows(buffer);
  return true;
}

// This rank's rows of the coming batches enter one new block for every block_rows of them.
void Assembler::look_ahead() {
  const uint64_t blocks = static_cast<uint64_t>(std::clamp(options_.blocks_in_flight, 1, 1024)) *
                          files_.plan().block_rows * static_cast<uint64_t>(options_.world_size);
  // Counted from the end of the batch that comes next, which may be many blocks itself.
  const uint64_t distance = options_.batch_size + blocks;
  while (scout_.position < rows_ && scout_.position - walk_.position < distance) {
    const Slice own =
        slice_of(scout_.take(rows_, options_.batch_size), options_.rank, options_.world_size);
    epoch_order_->for_each_lane(own, [&](const LaneRange& range) {
      epoch_order_->for_each_block(range.first, range.count, [&](const BlockRange& rows) {
        if (std::exchange(lanes_[range.lane].asked, rows.slot) == rows.slot) return;
        ahead_->request(epoch_order_->block(rows.slot));
      });
    });
  }
}

void Assembler::list_rows(Slice own, BatchBuffer& buffer) {
  const uint64_t block_rows = files_.plan().block_rows;
  const OrderTerms& terms = *terms_;
  size_t i = 0;
  uint64_t hash = 0;
  epoch_order_->for_each_lane(own, [&](const LaneRange& range) {
    Lane& lane = lanes_[range.lane];
    const uint64_t end = range.first + range.count;
    for (uint64_t place = range.first; place < end;) {
      if (place < lane.order.first || place >= lane.order.end()) {
        lane.order = epoch_order_->block_at(place);
        lane.view = blocks_->view(lane.order.block);
      }
      const uint64_t first_row = lane.order.block * block_rows;
      const uint64_t stop = std::min(end, lane.order.end());
      for (; place < stop; ++place, ++i) {
        const uint64_t row = lane.order.row(place);
        buffer.samples[i] = lane.view.x + row * row_bytes_;
        std::memcpy(&buffer.y[i], lane.view.y + row * sizeof(int64_t), sizeof(int64_t));
        buffer.row_ids[i] = first_row + row;
        hash += terms(own.first + i, first_row + row);
      }
    }
  });
  buffer.hash = hash;
}

void Assembler::copy_rows(BatchBuffer& buffer) const {
  // Rows are small and far apart: the memory is asked for a few rows ahead, to the L2 cache, where
  // more requests fit on their way than to the L1.
  constexpr size_t kAhead = 8;
  const size_t rows = buffer.batch.rows;
  const size_t lines = std::min<size_t>(row_bytes_, 1024);
  for (size_t i = 0; i < rows; ++i) {
    if (i + kAhead < rows) {
      const std::byte* next = buffer.samples[i + kAhead];
      for (size_t at = 0; at < lines; at += 64) __builtin_prefetch(next + at, 0, 2);
    }
    std::byte* to = buffer.x.get() + i * row_bytes_;
    std::memcpy(to, buffer.samples[i], row_bytes_);
    buffer.samples[i] = to;
  }
}

}  // namespace ringtrain::datasets
