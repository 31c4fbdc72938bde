// SPDX-License-Identifier: Apache-2.0
// Rows of many requests, computed together. An idle executor takes what is there at once; while it
// computes, rows wait, and it takes them as one batch. So batches are as large as the load makes
// them, and no request waits for others to come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace ringtrain::serving {

using ServingTime = std::chrono::steady_clock::time_point;

struct BatchLimits {
  uint32_t max_batch = 64;      // rows computed together
  uint64_t max_waiting = 4096;  // rows that wait, over all requests
};

struct BatchResult {
  enum class End {
    done,
    late,    // the deadline passed before it was computed
    failed,  // the model could not compute these rows; `error` says why
  };
  End end = End::done;
  std::vector<float> outputs = {};  // row after row
  std::string error = {};
  double queued_seconds = 0;    // until its first row was taken
  double computed_seconds = 0;  // of the batches that it was part of
  uint32_t batch_rows = 0;      // of the last of these
};

struct BatchRequest {
  uint32_t rows = 0;
  const std::byte* samples = nullptr;  // row after row; must live until `done` was called
  ServingTime deadline = {};
  // Is called once, on the executor's thread.
  std::function<void(BatchResult)> done = {};
};

// Thread: any may submit. The executor is a thread of its own.
class Batcher {
 public:
  // Returns the outputs of rows, one after the other: samples[i] is the first byte of row i. An
  // exception is the model's refusal of these rows. Called by the executor alone.
  using Compute = std::function<std::vector<float>(std::span<const std::byte* const> samples)>;
  using Clock = std::function<ServingTime()>;

  Batcher(
      const BatchLimits& limits, size_t row_bytes, Compute compute,
      Clock now = [] { return std::chrono::steady_clock::now(); });
  // Computes all that was accepted, then ends the executor.
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  enum class Admission { accepted, full, too_late };
  // Accepts a request, or refuses it at once: where too many rows wait, or where those before it
  // are likely to take longer than its deadline allows. A refused request's `done` is not called.
  // Requests of more rows than a batch are computed in several. Requires: it has rows.
  Admission submit(BatchRequest request);

  // Returns the rows that are accepted and not computed.
  uint64_t waiting_rows() const;
  // Returns the seconds that a new request is likely to wait.
  double expected_wait() const;

 private:
  struct Entry;
  struct Slice {
    std::shared_ptr<Entry> entry;
    uint32_t rows = 0;
  };

  double expected_wait_locked() const;
  void run();
  std::vector<Slice> take();  // the next batch
  void drop_late(std::vector<Slice>& batch);
  void compute(const std::vector<Slice>& batch);
  void compute_alone(const Slice& slice);
  std::vector<float> outputs_of(std::span<const Slice> slices);

  const BatchLimits limits_;
  const size_t row_bytes_;
  const Compute compute_;
  const Clock now_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Entry>> queue_;
  uint64_t waiting_rows_ = 0;
  double batch_seconds_ = 0;  // moving average
  bool ending_ = false;
  std::thread executor_;
};

}  // namespace ringtrain::serving
