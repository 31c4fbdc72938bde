// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/activity.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "launcher/process/process_tree.hpp"

namespace ringtrain::launcher {
namespace {

// Threads that wait wake up now and then.
constexpr double kIdleShare = 0.02;  // of one core

// Returns the processor time of a process and its children that have ended, in clock ticks.
int64_t ticks_of(pid_t process) {
  std::string text;
  try {
    text = read_file(fmt::format("/proc/{}/stat", process));
  } catch (const Error&) {
    return 0;  // ended meanwhile
  }
  // "PID (name) STATE ...", where the name may hold anything; utime is the 12th field from STATE.
  const auto end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos || end_of_name + 4 > text.size()) return 0;
  const char* at = text.c_str() + end_of_name + 3;
  int64_t ticks = 0;
  for (int field = 2; field <= 15; ++field) {
    char* next = nullptr;
    const long long value = std::strtoll(at, &next, 10);
    if (field >= 12) ticks += value;
    at = next;
  }
  return ticks;
}

}  // namespace

std::chrono::duration<double> Activity::silence() {
  const auto now = Clock::now();
  if (const auto passed = now - looked_at_; passed >= between_looks_) {
    int64_t ticks = ticks_of(root_);
    for (const pid_t process : descendants(root_)) ticks += ticks_of(process);
    const double idle = kIdleShare * std::chrono::duration<double>(passed).count() *
                        static_cast<double>(::sysconf(_SC_CLK_TCK));
    // Fewer than before: a process has ended.
    if (ticks < ticks_ || static_cast<double>(ticks - ticks_) > idle) since_ = now;
    ticks_ = ticks;
    looked_at_ = now;
  }
  return now - since_;
}

}  // namespace ringtrain::launcher
