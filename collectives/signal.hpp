// SPDX-License-Identifier: Apache-2.0
// How processes wait for each other's writes to memory that they share: a few spins, then a sleep
// on a futex.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringtrain::collectives {

// Pauses of about 1 ms: as long as ranks with a core each usually wait for one another.
inline constexpr int kSpins = 40'000;

// Eases the core's other thread while this one spins.
inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// std::atomic::wait would use a private futex, which other processes do not wake. Returns after
// 100 ms at the latest.
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

// Blocks until done() is true. check() is called before every sleep, at least each 100 ms, and
// ends the wait by throwing.
template <class Done, class Check>
void wait_until(Signal& signal, int spins, const Done& done, const Check& check) {
  for (int i = 0; i < spins; ++i) {
    if (done()) return;
    pause();
  }
  struct Sleeper {
    Signal& signal;
    explicit Sleeper(Signal& s) : signal(s) { signal.sleepers.fetch_add(1); }
    ~Sleeper() { signal.sleepers.fetch_sub(1); }
  } sleeper(signal);
  while (true) {
    const uint32_t event = signal.event.load();
    if (done()) return;
    check();
    futex_wait(signal.event, event);
  }
}

}  // namespace ringtrain::collectives
