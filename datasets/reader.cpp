// SPDX-License-Identifier: Apache-2.0
#include "datasets/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "datasets/block_store.hpp"
#include "datasets/memory.hpp"

namespace ringtrain::datasets {
namespace {

using Clock = std::chrono::steady_clock;

// A batch with the memory that it points to.
struct BatchBuffer {
  BatchBuffer(uint64_t rows, uint64_t row_bytes)
      : x(static_cast<std::byte*>(std::aligned_alloc(64, (rows * row_bytes + 127) / 64 * 64)),
          std::free),
        y(rows),
        row_ids(rows) {
    if (x == nullptr) throw std::bad_alloc();
    batch.x = x.get();
    batch.y = y.data();
    batch.row_ids = row_ids.data();
  }
  std::unique_ptr<std::byte[], void (*)(void*)> x;
  std::vector<int64_t> y;
  std::vector<uint64_t> row_ids;
  Batch batch;
};

// The blocks of one lane that were asked for and not yet left, in the order of their use.
struct Lane {
  struct Entry {
    uint64_t slot = 0;
    std::unique_ptr<FetchedBlock> block;
    bool entered = false;
  };
  std::deque<Entry> entries;
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

}  // namespace

// Assembles batches; used by one thread at a time.
class Assembler {
 public:
  Assembler(const Plan& plan, Split split, const ReaderOptions& options)
      : options_(options),
        files_(plan, split),
        rows_(plan.part(split).rows),
        row_bytes_(plan.row_bytes()),
        order_(rows_, plan.block_rows, options.batch_size, options.seed, options.shuffle) {
    Tier tier = options.tier;
    if (tier == Tier::automatic) {
      const uint64_t bytes = plan.bytes(Split::train) + plan.bytes(Split::test);
      tier = bytes <= available_memory() / 2 ? Tier::in_memory : Tier::out_of_core;
    }
    if (tier == Tier::in_memory) {
      mapped_.emplace(files_);
    } else {
      fetcher_.emplace(files_, std::clamp(options.blocks_in_flight, 1, 64));
    }
  }

  void start(uint64_t epoch, uint64_t first_position) {
    if (first_position != rows_ &&
        (first_position > rows_ || first_position % options_.batch_size != 0)) {
      throw std::invalid_argument(
          fmt::format("Reader::start: position {} is not the start of a batch of {}",
                      first_position, options_.batch_size));
    }
    files_.check_sizes();
    epoch_order_.emplace(order_.epoch(epoch));
    for (auto& [number, lane] : lanes_) {
      for (Lane::Entry& entry : lane.entries) fetcher_->recycle(std::move(entry.block));
    }
    lanes_.clear();
    blocks_ahead_ = 0;
    walk_ = {first_position};
    scout_ = {first_position};
  }

  // False at the end of the epoch.
  bool assemble(BatchBuffer& buffer) {
    if (walk_.position >= rows_) return false;
    if (fetcher_) look_ahead();
    const Slice global = walk_.take(rows_, options_.batch_size);
    const Slice own = slice_of(global, options_.rank, options_.world_size);
    Batch& batch = buffer.batch;
    batch.first_position = own.first;
    batch.global_first = global.first;
    batch.global_rows = global.count;
    batch.rows = static_cast<uint32_t>(own.count);
    list_rows(own, buffer);
    copy_rows(buffer);
    return true;
  }

  uint64_t rows() const { return rows_; }
  uint64_t row_bytes() const { return row_bytes_; }
  uint64_t bytes_read() const { return fetcher_ ? fetcher_->bytes_read() : 0; }
  Tier tier() const { return mapped_ ? Tier::in_memory : Tier::out_of_core; }

 private:
  // Asks for the blocks of coming batches until enough are on their way.
  void look_ahead() {
    while (scout_.position < rows_ &&
           (blocks_ahead_ < options_.blocks_in_flight || scout_.position <= walk_.position)) {
      const Slice own =
          slice_of(scout_.take(rows_, options_.batch_size), options_.rank, options_.world_size);
      epoch_order_->for_each_lane(own, [&](const LaneRange& range) {
        Lane& lane = lanes_[range.lane];
        epoch_order_->for_each_block(range.first, range.count, [&](const BlockRange& rows) {
          if (!lane.entries.empty() && lane.entries.back().slot == rows.slot) return;
          lane.entries.push_back(
              {rows.slot, fetcher_->fetch(epoch_order_->block(rows.slot)), false});
          ++blocks_ahead_;
        });
      });
    }
  }

  BlockView view(uint64_t lane_number, uint64_t slot, uint64_t block) {
    if (mapped_) return mapped_->view(block);
    Lane& lane = lanes_[lane_number];
    while (lane.entries.front().slot != slot) {
      fetcher_->recycle(std::move(lane.entries.front().block));
      lane.entries.pop_front();
    }
    Lane::Entry& entry = lane.entries.front();
    if (!entry.entered) {
      entry.entered = true;
      --blocks_ahead_;
      fetcher_->wait(*entry.block);
    }
    return entry.block->view;
  }

  // Copies happen within the block's life: a batch may enter the next block of a lane and drop the
  // one before.
  void list_rows(Slice own, BatchBuffer& buffer) {
    const uint64_t block_rows = files_.plan().block_rows;
    size_t i = 0;
    sources_.resize(own.count);
    epoch_order_->for_each_lane(own, [&](const LaneRange& range) {
      epoch_order_->for_each_block(range.first, range.count, [&](const BlockRange& rows) {
        const uint64_t block = epoch_order_->block(rows.slot);
        if (fetcher_) leave_before(range.lane, rows.slot, buffer, i);
        const BlockView blocks = view(range.lane, rows.slot, block);
        epoch_order_->for_each_row(block, rows.first, rows.count, [&](uint64_t row) {
          sources_[i] = blocks.x + row * row_bytes_;
          std::memcpy(&buffer.y[i], blocks.y + row * sizeof(int64_t), sizeof(int64_t));
          buffer.row_ids[i] = block * block_rows + row;
          ++i;
        });
      });
    });
  }

  // Before a block is dropped, the rows listed from it so far must be copied.
  void leave_before(uint64_t lane_number, uint64_t slot, BatchBuffer& buffer, size_t listed) {
    const Lane& lane = lanes_[lane_number];
    if (!lane.entries.empty() && lane.entries.front().slot != slot) copy_until(buffer, listed);
  }

  void copy_rows(BatchBuffer& buffer) {
    copy_until(buffer, buffer.batch.rows);
    copied_ = 0;
  }

  void copy_until(BatchBuffer& buffer, size_t end) {
    // Rows are small and far apart: the memory is asked for a few rows ahead.
    constexpr size_t kAhead = 4;
    const size_t lines = std::min<size_t>(row_bytes_, 1024);
    for (; copied_ < end; ++copied_) {
      if (copied_ + kAhead < end) {
        const std::byte* next = sources_[copied_ + kAhead];
        for (size_t at = 0; at < lines; at += 64) __builtin_prefetch(next + at);
      }
      std::memcpy(buffer.x.get() + copied_ * row_bytes_, sources_[copied_], row_bytes_);
    }
  }

  ReaderOptions options_;
  BlockFiles files_;
  uint64_t rows_;
  uint64_t row_bytes_;
  SampleOrder order_;
  std::optional<EpochOrder> epoch_order_;
  std::optional<MappedBlocks> mapped_;
  // Blocks under way belong to the lanes, so the lanes outlive the fetcher's threads.
  std::map<uint64_t, Lane> lanes_;
  std::optional<BlockFetcher> fetcher_;
  int blocks_ahead_ = 0;  // asked for and not yet entered
  BatchWalk walk_;
  BatchWalk scout_;
  std::vector<const std::byte*> sources_;
  size_t copied_ = 0;
};

// Assembles batches ahead in a thread.
class Ring {
 public:
  Ring(Assembler& assembler, std::vector<BatchBuffer>& buffers)
      : assembler_(assembler), buffers_(buffers), thread_([this](std::stop_token t) { work(t); }) {}
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    thread_.request_stop();
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
    // jthread joins.
  }

  // Gives back the batch of the call before.
  const Batch* next() {
    std::unique_lock lock(mutex_);
    if (holding_) {
      ++consumed_;
      holding_ = false;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return produced_ > consumed_ || finished_; });
    if (produced_ == consumed_) {
      if (error_) std::rethrow_exception(error_);
      return nullptr;
    }
    holding_ = true;
    return &buffers_[consumed_ % buffers_.size()].batch;
  }

 private:
  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!finished_) {
      changed_.wait(
          lock, [&] { return stop.stop_requested() || produced_ - consumed_ < buffers_.size(); });
      if (stop.stop_requested()) return;
      BatchBuffer& buffer = buffers_[produced_ % buffers_.size()];
      lock.unlock();
      bool more = false;
      std::exception_ptr error;
      try {
        more = assembler_.assemble(buffer);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (more) {
        ++produced_;
      } else {
        finished_ = true;
        error_ = error;
      }
      changed_.notify_all();
    }
  }

  Assembler& assembler_;
  std::vector<BatchBuffer>& buffers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t produced_ = 0;
  uint64_t consumed_ = 0;
  bool holding_ = false;
  bool finished_ = false;
  std::exception_ptr error_;
  std::jthread thread_;
};

struct Reader::State {
  State(const Plan& plan, Split split, const ReaderOptions& o)
      : options(o), bytes(plan.bytes(split)), assembler(plan, split, o) {
    const auto size = static_cast<uint64_t>(o.world_size);
    const uint64_t rows = std::min((o.batch_size + size - 1) / size, assembler.rows());
    const int count = o.batches_ahead > 0 ? o.batches_ahead + 1 : 1;
    buffers.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) buffers.emplace_back(rows, assembler.row_bytes());
  }

  ReaderOptions options;
  uint64_t bytes;
  Assembler assembler;
  std::vector<BatchBuffer> buffers;
  std::optional<Ring> ring;
  uint64_t epoch = 0;
  uint64_t hash = 0;
  Clock::duration waited{};
};

Reader::Reader(const Plan& plan, Split split, const ReaderOptions& options) {
  if (options.batch_size == 0 || options.world_size < 1 || options.rank < 0 ||
      options.rank >= options.world_size) {
    throw std::invalid_argument("Reader: batch_size, rank or world_size make no sense");
  }
  state_ = std::make_unique<State>(plan, split, options);
}

Reader::~Reader() = default;

void Reader::start(uint64_t epoch, uint64_t first_position) {
  State& s = *state_;
  s.ring.reset();
  s.epoch = epoch;
  s.assembler.start(epoch, first_position);
  if (s.options.batches_ahead > 0) s.ring.emplace(s.assembler, s.buffers);
}

const Batch* Reader::next() {
  State& s = *state_;
  const Clock::time_point begin = Clock::now();
  const Batch* batch = nullptr;
  if (s.ring) {
    batch = s.ring->next();
  } else if (s.assembler.assemble(s.buffers.front())) {
    batch = &s.buffers.front().batch;
  }
  if (batch != nullptr) {
    const OrderTerms terms(s.epoch);
    for (uint32_t i = 0; i < batch->rows; ++i) {
      s.hash += terms(batch->first_position + i, batch->row_ids[i]);
    }
  }
  s.waited += Clock::now() - begin;
  return batch;
}

double Reader::waited_seconds() const {
  return std::chrono::duration<double>(state_->waited).count();
}
uint64_t Reader::order_hash() const { return state_->hash; }
uint64_t Reader::bytes_read() const { return state_->assembler.bytes_read(); }
Tier Reader::tier() const { return state_->assembler.tier(); }

std::string Reader::describe() const {
  const double megabytes = static_cast<double>(state_->bytes) / 1e6;
  if (tier() == Tier::in_memory)
    return fmt::format("in memory, mapped: {:.1f} MB of rows", megabytes);
  return fmt::format("out of core: {:.1f} MB of rows, {} blocks in flight", megabytes,
                     state_->options.blocks_in_flight);
}

}  // namespace ringtrain::datasets
