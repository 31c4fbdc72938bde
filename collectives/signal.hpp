// SPDX-License-Identifier: Apache-2.0
// How processes wait for each other's writes to memory that they share: a few spins, then a sleep
// on a futex.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace ringtrain::collectives {

// Pauses of about 1 ms: as long as ranks with a core each usually wait for one another.
inline constexpr int kSpins = 40'000;

// The longest sleep of a process that waits; then it looks whether those that it waits for live.
inline constexpr std::chrono::milliseconds kLongestSleep{100};

// Eases the core's other thread while this one spins.
inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// std::atomic::wait would use a private futex, which other processes do not wake. Returns after
// kLongestSleep at the latest.
void futex_wait(std::atomic<uint32_t>& word, uint32_t expected);
void futex_wake_all(std::atomic<uint32_t>& word);

// Lives in shared memory; all zero at first. A process that writes what others wait for calls
// notify() after it.
struct Signal {
  std::atomic<uint32_t> event;
  std::atomic<uint32_t> sleepers;

  // Requires: the write that others wait for was sequentially consistent: either it sees the
  // sleeper here, or the sleeper sees the write.
  void notify() {
    if (sleepers.load() == 0) return;
    event.fetch_add(1);
    futex_wake_all(event);
  }
};

// Counts this process among those that sleep until a signal.
class Sleeper {
 public:
  explicit Sleeper(Signal& signal) : signal_(signal) { signal_.sleepers.fetch_add(1); }
  ~Sleeper() { signal_.sleepers.fetch_sub(1); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

 private:
  Signal& signal_;
};

// Blocks until done() is true. check() is called before every sleep, at least once each
// kLongestSleep, and ends the wait by throwing.
template <class Done, class Check>
void wait_until(Signal& signal, int spins, const Done& done, const Check& check) {
  for (int i = 0; i < spins; ++i) {
    if (done()) return;
    pause();
  }
  const Sleeper sleeper(signal);
  while (true) {
    const uint32_t event = signal.event.load();
    if (done()) return;
    check();
    futex_wait(signal.event, event);
  }
}

}  // namespace ringtrain::collectives
