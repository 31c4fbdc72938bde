// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/reader.hpp"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "datasets/reading/assembler.hpp"

namespace ringtrain::datasets {
namespace {

using Clock = std::chrono::steady_clock;

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
  const BatchBuffer* next() {
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
    return &buffers_[consumed_ % buffers_.size()];
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

}  // namespace

struct Reader::State {
  State(const Plan& plan, Split split, const ReaderOptions& o)
      : options(o), bytes(plan.bytes(split)), assembler(plan, split, o) {
    const int count = o.batches_ahead > 0 ? o.batches_ahead + 1 : 1;
    buffers.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) buffers.push_back(assembler.make_buffer());
  }

  ReaderOptions options;
  uint64_t bytes;
  Assembler assembler;
  std::vector<BatchBuffer> buffers;
  std::optional<Ring> ring;
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
  s.assembler.start(epoch, first_position);
  if (s.options.batches_ahead > 0) s.ring.emplace(s.assembler, s.buffers);
}

const Batch* Reader::next() {
  State& s = *state_;
  const Clock::time_point begin = Clock::now();
  const BatchBuffer* buffer = nullptr;
  if (s.ring) {
    buffer = s.ring->next();
  } else if (s.assembler.assemble(s.buffers.front())) {
    buffer = &s.buffers.front();
  }
  if (buffer != nullptr) s.hash += buffer->hash;
  s.waited += Clock::now() - begin;
  return buffer != nullptr ? &buffer->batch : nullptr;
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
  return fmt::format("out of core: {:.1f} MB of rows, {} blocks read ahead", megabytes,
                     state_->options.blocks_in_flight);
}

}  // namespace ringtrain::datasets
