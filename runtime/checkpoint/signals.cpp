// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace ringtrain {
namespace {

// Only lock-free atomics are safe in a signal handler.
std::atomic<bool> checkpoint_asked = false;
std::atomic<int> stop_asked = 0;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void note(int signal) {
  if (signal == SIGUSR1) {
    checkpoint_asked = true;
  } else {
    stop_asked = signal;
  }
}

}  // namespace

void listen_to_signals() {
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM, SIGINT}) {
    struct sigaction action = {};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    if (signal == SIGINT) action.sa_flags |= static_cast<int>(SA_RESETHAND);
    if (::sigaction(signal, &action, nullptr) != 0) {
      throw std::system_error(errno, std::generic_category(), "sigaction");
    }
  }
}

bool take_checkpoint_request() { return checkpoint_asked.exchange(false); }

int stop_request() { return stop_asked; }

}  // namespace ringtrain
