// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/machine.hpp"
#include "base/round_up.hpp"
#include "base/stopwatch.hpp"
#include "datasets/reading/block_store.hpp"
#include "datasets/reading/order.hpp"

namespace ringtrain::datasets {
namespace {

// Returns whether rows can be delivered without copying them.
bool is_aligned(const DatasetIndex& index, Split split) {
  const auto& pieces = index.split(split).pieces;
  return std::all_of(pieces.begin(), pieces.end(), [&](const Piece& piece) {
    return piece.x_offset % size_of(index.element) == 0;
  });
}

bool fits_in_memory(const DatasetIndex& index, Tier tier) {
  if (tier != Tier::automatic) return tier == Tier::in_memory;
  return index.bytes(Split::train) + index.bytes(Split::test) <= this_machine_memory().usable() / 2;
}

using Allocate = decltype(ReaderOptions::allocate);

std::shared_ptr<std::byte[]> plain_memory(size_t bytes) {
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kCacheLineBytes, bytes));
  if (memory == nullptr) throw std::bad_alloc();
  return {memory, [](std::byte* p) { std::free(p); }};
}

// A batch with the memory that it points to.
struct BatchBuffer {
  // allocate: empty where rows stay where they are.
  BatchBuffer(uint64_t rows, const DatasetIndex& index, const Allocate& allocate)
      : samples(rows),
        y(index.has_targets() ? 0 : rows),
        targets(rows * index.targets.names.size()) {
    if (allocate) x = allocate(round_up(rows * index.row_bytes() + 1, kCacheLineBytes));
    batch.x = x.get();
    batch.samples = samples.data();
    batch.y = index.has_targets() ? nullptr : y.data();
    batch.targets = index.has_targets() ? targets.data() : nullptr;
  }

  // Copies a row's label or targets.
  void set_y(size_t row, const std::byte* from) {
    if (batch.targets == nullptr) {
      std::memcpy(&y[row], from, sizeof(int64_t));
      return;
    }
    const size_t own = targets.size() / samples.size();
    std::memcpy(targets.data() + row * own, from, own * sizeof(float));
  }

  std::shared_ptr<std::byte[]> x;
  std::vector<const std::byte*> samples;
  std::vector<int64_t> y;
  std::vector<float> targets;
  Batch batch;
};

// Walks the global batches of an epoch.
struct BatchWalk {
  uint64_t position = 0;

  Slice take(uint64_t rows, uint64_t batch_size) {
    const Slice slice{position, std::min(batch_size, rows - position)};
    position += slice.count;
    return slice;
  }
};

// Position of a lane.
struct Lane {
  BlockOrder order;
  BlockView view;
  uint64_t requested = ~uint64_t{0};  // slot of the newest block requested
};

}  // namespace

struct Reader::State {
  State(const DatasetIndex& index, Split split, const ReaderOptions& o)
      : options(o),
        files(index, split, o.cache),
        rows(o.rows > 0 ? o.rows : index.split(split).rows),
        row_bytes(index.row_bytes()),
        contiguous(o.contiguous || files.is_remote() || !is_aligned(index, split)),
        order(rows, index.block_rows, o.batch_size, o.seed, o.shuffle) {
    const uint64_t most =
        std::min(divide_up(o.batch_size, static_cast<uint64_t>(o.world_size)), rows);
    const Allocate allocate = o.allocate ? o.allocate : plain_memory;
    for (int k = 0; k < o.kept; ++k) {
      buffers.emplace_back(most, index, contiguous ? allocate : Allocate{});
    }
    const bool fits = !files.is_remote() && fits_in_memory(index, o.tier);
    blocks.emplace(files, fits ? MappedBlocks::Access::whole : MappedBlocks::Access::blocks);
    if (!fits && !files.is_remote()) ahead.emplace(files);
  }

  const Batch* assemble();
  void look_ahead();
  void request(uint64_t block);
  void enter(Lane& lane, uint64_t place);
  void drop_passed();
  void list_rows(Slice own, BatchBuffer& buffer);
  void copy_rows(BatchBuffer& buffer) const;

  ReaderOptions options;
  BlockFiles files;
  uint64_t rows;
  uint64_t row_bytes;
  bool contiguous;
  SampleOrder order;
  std::vector<BatchBuffer> buffers;  // in turn
  size_t next_buffer = 0;
  std::optional<EpochOrder> epoch_order;
  std::optional<OrderTerms> terms;
  std::optional<MappedBlocks> blocks;
  std::optional<ReadAhead> ahead;
  BatchWalk walk;
  BatchWalk scout;  // as far as blocks have been requested
  std::vector<Lane> lanes;
  std::vector<uint64_t> passed;  // blocks that lanes have left in this batch
  uint64_t hash = 0;
  double waited = 0;
};

// Fills the oldest buffer with the next batch. Returns null at the end of the epoch.
const Batch* Reader::State::assemble() {
  if (walk.position >= rows) return nullptr;
  if (ahead || files.is_remote()) look_ahead();
  const Slice global = walk.take(rows, options.batch_size);
  const Slice own = slice_of(global, options.rank, options.world_size);
  BatchBuffer& buffer = buffers[next_buffer];
  next_buffer = (next_buffer + 1) % buffers.size();
  Batch& batch = buffer.batch;
  batch.first_position = own.first;
  batch.global_first = global.first;
  batch.global_rows = global.count;
  batch.rows = static_cast<uint32_t>(own.count);
  list_rows(own, buffer);
  if (contiguous) copy_rows(buffer);
  drop_passed();
  return &batch;
}

void Reader::State::request(uint64_t block) {
  if (ahead) {
    ahead->request(block);
  } else {
    files.want(files.place(block));
  }
}

// Goes to the block of a lane that holds a place.
void Reader::State::enter(Lane& lane, uint64_t place) {
  if (lane.order.rows > 0) passed.push_back(lane.order.block);
  lane.order = epoch_order->block_at(place);
  lane.view = blocks->view(lane.order.block);
}

void Reader::State::drop_passed() {
  for (const uint64_t block : passed) blocks->drop(block);
  passed.clear();
}

// Requests the blocks of the coming batches: a rank enters a new one every block_rows of its rows.
void Reader::State::look_ahead() {
  const uint64_t ahead_rows = static_cast<uint64_t>(std::clamp(options.blocks_in_flight, 1, 1024)) *
                              files.index().block_rows * static_cast<uint64_t>(options.world_size);
  // Counted from the end of the next batch, which may be many blocks itself.
  const uint64_t distance = options.batch_size + ahead_rows;
  while (scout.position < rows && scout.position - walk.position < distance) {
    const Slice own =
        slice_of(scout.take(rows, options.batch_size), options.rank, options.world_size);
    epoch_order->for_each_lane(own, [&](const LaneRange& range) {
      epoch_order->for_each_block(range.first, range.count, [&](const BlockRange& in_block) {
        if (std::exchange(lanes[range.lane].requested, in_block.slot) == in_block.slot) return;
        request(epoch_order->block(in_block.slot));
      });
    });
  }
}

// Lists where the rows of a slice are, with their labels, and adds them to the order hash.
void Reader::State::list_rows(Slice own, BatchBuffer& buffer) {
  const uint64_t block_rows = files.index().block_rows;
  const uint64_t y_bytes = files.index().y_bytes();
  const OrderTerms& term = *terms;
  size_t i = 0;
  uint64_t sum = 0;
  epoch_order->for_each_lane(own, [&](const LaneRange& range) {
    Lane& lane = lanes[range.lane];
    const uint64_t end = range.first + range.count;
    for (uint64_t place = range.first; place < end;) {
      if (place < lane.order.first || place >= lane.order.end()) {
        enter(lane, place);
      }
      const uint64_t first_row = lane.order.block * block_rows;
      const uint64_t stop = std::min(end, lane.order.end());
      for (; place < stop; ++place, ++i) {
        const uint64_t row = lane.order.row(place);
        buffer.samples[i] = lane.view.x + row * row_bytes;
        buffer.set_y(i, lane.view.y + row * y_bytes);
        sum += term(own.first + i, first_row + row);
      }
    }
  });
  hash += sum;
}

void Reader::State::copy_rows(BatchBuffer& buffer) const {
  // Rows are small and far apart: memory is requested a few rows ahead, into the L2 cache, which
  // takes more requests at a time than the L1.
  constexpr size_t kAhead = 8;
  const size_t count = buffer.batch.rows;
  const size_t bytes = std::min<size_t>(row_bytes, 1024);
  for (size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) {
      const std::byte* next = buffer.samples[i + kAhead];
      for (size_t at = 0; at < bytes; at += kCacheLineBytes) {
        __builtin_prefetch(next + at, 0, 2);
      }
    }
    std::byte* to = buffer.x.get() + i * row_bytes;
    std::memcpy(to, buffer.samples[i], row_bytes);
    buffer.samples[i] = to;
  }
}

Reader::Reader(const DatasetIndex& index, Split split, const ReaderOptions& options) {
  if (options.batch_size == 0 || options.world_size < 1 || options.rank < 0 ||
      options.rank >= options.world_size || options.kept < 1 ||
      options.rows > index.split(split).rows) {
    throw std::invalid_argument(
        "Reader: batch_size, rows, rank, world_size or kept is out of range");
  }
  state_ = std::make_unique<State>(index, split, options);
}

Reader::~Reader() = default;

void Reader::start(uint64_t epoch, uint64_t first_position) {
  State& s = *state_;
  if (first_position != s.rows &&
      (first_position > s.rows || first_position % s.options.batch_size != 0)) {
    throw std::invalid_argument(
        fmt::format("Reader::start: position {} is not the start of a batch of {}", first_position,
                    s.options.batch_size));
  }
  s.files.check_sizes();
  s.epoch_order.emplace(s.order.epoch(epoch));
  s.terms.emplace(epoch);
  if (s.ahead) s.ahead->forget();
  s.files.forget();
  for (const Lane& lane : s.lanes) {
    if (lane.order.rows > 0) s.passed.push_back(lane.order.block);
  }
  s.drop_passed();
  s.lanes.assign(s.epoch_order->lanes() + 1, {});
  s.walk = {first_position};
  s.scout = {first_position};
}

const Batch* Reader::next() {
  const Stopwatch stopwatch(state_->waited);
  return state_->assemble();
}

double Reader::waited_seconds() const { return state_->waited; }
uint64_t Reader::order_hash() const { return state_->hash; }

}  // namespace ringtrain::datasets
