// SPDX-License-Identifier: Apache-2.0
// Replaces operator new of the program that it is linked into.
#include "benchmarks/counters/counts.hpp"

#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace ringtrain::benchmarks {
namespace {

std::atomic<int64_t> messages = 0, message_bytes = 0, gathers = 0, allocations = 0;

}  // namespace

Counts counts_now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {messages, message_bytes, gathers, allocations, usage.ru_minflt};
}

void count_message(int64_t bytes) {
  ++messages;
  message_bytes += bytes;
}

void count_gather() { ++gathers; }

void* counted_allocation(size_t bytes) {
  ++allocations;
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace ringtrain::benchmarks

void* operator new(size_t bytes) { return ringtrain::benchmarks::counted_allocation(bytes); }
void* operator new[](size_t bytes) { return ringtrain::benchmarks::counted_allocation(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
