// SPDX-License-Identifier: Apache-2.0
#include "storage/parts.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace ringtrain::storage {

void for_each_part(uint64_t parts, int in_flight, const std::function<void(uint64_t part)>& work) {
  std::atomic<uint64_t> next = 0;
  std::atomic<bool> stopping = false;
  std::mutex mutex;  // guards failure
  std::exception_ptr failure;
  const auto work_on = [&] {
    for (uint64_t part = 0; !stopping && (part = next++) < parts;) {
      try {
        work(part);
      } catch (...) {
        stopping = true;
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    const uint64_t count = std::min(parts, static_cast<uint64_t>(std::max(1, in_flight)));
    for (uint64_t i = 1; i < count; ++i) threads.emplace_back(work_on);
    work_on();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace ringtrain::storage
