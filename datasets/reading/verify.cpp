// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/verify.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "datasets/reading/block_store.hpp"

namespace ringtrain::datasets {
namespace {

// Reads and checks the blocks of a split, with a thread for every core.
class SplitCheck {
 public:
  SplitCheck(const DatasetIndex& index, Split split) : files_(index, split) {}

  // Calls progress with the rows of each block, one thread at a time. Throws the error of the first
  // bad block in the order of the rows.
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
    uint64_t block = 0;
    try {
      BlockBuffer buffer(files_);
      // Blocks are taken in order, so every block before a bad one is checked too.
      while ((block = next_++) < std::min(files_.blocks(), bad_block_.load())) {
        // From a URL several blocks come at once.
        constexpr uint64_t kAhead = 8;
        if (block + kAhead < files_.blocks()) files_.want(files_.place(block + kAhead));
        buffer.read(block);
        const std::lock_guard lock(mutex_);
        progress(files_.place(block).rows);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (block < bad_block_) {
        bad_block_ = block;
        failure_ = std::current_exception();
      }
    }
  }

  BlockFiles files_;
  std::atomic<uint64_t> next_ = 0;
  std::atomic<uint64_t> bad_block_ = std::numeric_limits<uint64_t>::max();
  std::mutex mutex_;  // guards failure_ and progress
  std::exception_ptr failure_;
};

}  // namespace

void verify(const DatasetIndex& index, const Progress& progress) {
  const uint64_t total = index.train.rows + index.test.rows;
  uint64_t done = 0;
  for (const Split split : {Split::train, Split::test}) {
    SplitCheck(index, split).run([&](uint64_t rows) {
      done += rows;
      if (progress) progress(done, total);
    });
  }
}

}  // namespace ringtrain::datasets
