// SPDX-License-Identifier: Apache-2.0
#include "serving/deploy/batcher.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace ringtrain::serving {
namespace {

using Seconds = std::chrono::duration<double>;

// Weight of the newest batch in the moving average of their times.
constexpr double kNewest = 0.2;

}  // namespace

// A request that was accepted.
struct Batcher::Entry {
  BatchRequest request;
  ServingTime accepted;
  BatchResult result = {};
  uint32_t taken = 0;     // rows in batches so far
  uint32_t computed = 0;  // rows
  bool ended = false;

  void end(BatchResult::End how, const std::string& error = "") {
    ended = true;
    result.end = how;
    result.error = error;
    if (how != BatchResult::End::done) result.outputs.clear();
    request.done(std::move(result));
  }
};

Batcher::Batcher(const BatchLimits& limits, size_t row_bytes, Compute compute, Clock now)
    : limits_(limits),
      row_bytes_(row_bytes),
      compute_(std::move(compute)),
      now_(std::move(now)),
      executor_([this] { run(); }) {}

Batcher::~Batcher() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  executor_.join();
}

Batcher::Admission Batcher::submit(BatchRequest request) {
  const ServingTime now = now_();
  {
    const std::lock_guard lock(mutex_);
    if (waiting_rows_ + request.rows > limits_.max_waiting) return Admission::full;
    const auto wait =
        std::chrono::duration_cast<ServingTime::duration>(Seconds(expected_wait_locked()));
    if (now + wait > request.deadline) return Admission::too_late;
    waiting_rows_ += request.rows;
    queue_.push_back(
        std::make_shared<Entry>(Entry{.request = std::move(request), .accepted = now}));
  }
  changed_.notify_one();
  return Admission::accepted;
}

uint64_t Batcher::waiting_rows() const {
  const std::lock_guard lock(mutex_);
  return waiting_rows_;
}

double Batcher::expected_wait() const {
  const std::lock_guard lock(mutex_);
  return expected_wait_locked();
}

// Rows in computation count as waiting: a new request waits for them, too.
double Batcher::expected_wait_locked() const {
  const uint64_t batches = (waiting_rows_ + limits_.max_batch - 1) / limits_.max_batch;
  return static_cast<double>(batches) * batch_seconds_;
}

void Batcher::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
    }
    std::vector<Slice> batch = take();
    uint64_t rows = 0;
    for (const Slice& slice : batch) rows += slice.rows;
    drop_late(batch);
    if (!batch.empty()) compute(batch);
    const std::lock_guard lock(mutex_);
    waiting_rows_ -= rows;
  }
}

std::vector<Batcher::Slice> Batcher::take() {
  std::vector<Slice> batch;
  const std::lock_guard lock(mutex_);
  for (uint32_t room = limits_.max_batch; room > 0 && !queue_.empty();) {
    const std::shared_ptr<Entry>& entry = queue_.front();
    const uint32_t left = entry->request.rows - entry->taken;
    const uint32_t rows = entry->ended ? left : std::min(room, left);
    if (!entry->ended) room -= rows;
    entry->taken += rows;
    batch.push_back({entry, rows});
    if (rows == left) queue_.pop_front();
  }
  return batch;
}

// Removes what need not be computed: rows of requests that are over, or whose deadline has passed
// before their first row was.
void Batcher::drop_late(std::vector<Slice>& batch) {
  const ServingTime now = now_();
  std::erase_if(batch, [&](const Slice& slice) {
    Entry& entry = *slice.entry;
    const bool is_first = entry.taken == slice.rows;
    if (is_first) entry.result.queued_seconds = Seconds(now - entry.accepted).count();
    if (!entry.ended && is_first && now > entry.request.deadline) {
      entry.end(BatchResult::End::late);
    }
    return entry.ended;
  });
}

std::vector<float> Batcher::outputs_of(std::span<const Slice> slices) {
  std::vector<const std::byte*> samples;
  for (const Slice& slice : slices) {
    const Entry& entry = *slice.entry;
    for (uint32_t row = entry.computed; row < entry.computed + slice.rows; ++row) {
      samples.push_back(entry.request.samples + row * row_bytes_);
    }
  }
  std::vector<float> outputs = compute_(samples);
  if (outputs.empty() || outputs.size() % samples.size() != 0) {
    throw std::logic_error("a model returned outputs that are not of its rows");
  }
  return outputs;
}

void Batcher::compute(const std::vector<Slice>& batch) {
  const ServingTime begin = now_();
  std::vector<float> outputs;
  try {
    outputs = outputs_of(batch);
  } catch (const std::exception&) {
    // One of them is to blame; the others get their answers.
    for (const Slice& slice : batch) compute_alone(slice);
    return;
  }
  const double seconds = Seconds(now_() - begin).count();
  {
    const std::lock_guard lock(mutex_);
    batch_seconds_ =
        batch_seconds_ == 0 ? seconds : (1 - kNewest) * batch_seconds_ + kNewest * seconds;
  }
  uint32_t rows = 0;
  for (const Slice& slice : batch) rows += slice.rows;
  const size_t width = outputs.size() / rows;
  const float* next = outputs.data();
  for (const Slice& slice : batch) {
    Entry& entry = *slice.entry;
    const float* const end = next + slice.rows * width;
    entry.result.outputs.insert(entry.result.outputs.end(), next, end);
    next = end;
    entry.result.computed_seconds += seconds;
    entry.result.batch_rows = rows;
    entry.computed += slice.rows;
    if (entry.computed == entry.request.rows) entry.end(BatchResult::End::done);
  }
}

void Batcher::compute_alone(const Slice& slice) {
  Entry& entry = *slice.entry;
  const ServingTime begin = now_();
  try {
    const std::vector<float> outputs = outputs_of({&slice, 1});
    entry.result.outputs.insert(entry.result.outputs.end(), outputs.begin(), outputs.end());
  } catch (const std::exception& error) {
    entry.end(BatchResult::End::failed, error.what());
    return;
  }
  entry.result.computed_seconds += Seconds(now_() - begin).count();
  entry.result.batch_rows = slice.rows;
  entry.computed += slice.rows;
  if (entry.computed == entry.request.rows) entry.end(BatchResult::End::done);
}

}  // namespace ringtrain::serving
