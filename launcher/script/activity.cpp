// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/activity.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "launcher/process/process_tree.hpp"

namespace ringtrain::launcher {
namespace {

// Threads that wait wake up now and then: a rank that waits for the others at torch's store asks it
// every 10 ms, which takes 2 to 3% of a core.
constexpr double kIdleShare = 0.06;  // of one core

struct Work {
  int64_t ticks = 0;      // processor time, its ended children's included, in clock ticks
  bool is_ready = false;  // runs, or waits for a core only
};

// Reads /proc/PID/stat (proc(5)); the state is the main thread's.
Work work_of(pid_t process) {
  std::string text;
  try {
    text = read_file(fmt::format("/proc/{}/stat", process));
  } catch (const Error&) {
    return {};  // ended meanwhile
  }
  // "PID (name) STATE ...", where the name may hold anything; utime is the 12th field from STATE.
  const auto end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos || end_of_name + 4 > text.size()) return {};
  const char* at = text.c_str() + end_of_name + 3;
  Work work{.is_ready = text[end_of_name + 2] == 'R'};
  for (int field = 2; field <= 15; ++field) {
    char* next = nullptr;
    const long long value = std::strtoll(at, &next, 10);
    if (field >= 12) work.ticks += value;
    at = next;
  }
  return work;
}

}  // namespace

std::chrono::duration<double> Activity::silence() {
  const auto now = Clock::now();
  const auto passed = now - looked_at_;
  if (passed < between_looks_) return now - since_;
  const auto unwatched = std::max(passed - 2 * between_looks_, Clock::duration::zero());
  since_ = std::min(since_ + unwatched, now);

  Work work = work_of(root_);
  for (const pid_t process : descendants(root_)) {
    const Work of_child = work_of(process);
    work.ticks += of_child.ticks;
    work.is_ready |= of_child.is_ready;
  }
  const double idle = kIdleShare * std::chrono::duration<double>(passed).count() *
                      static_cast<double>(::sysconf(_SC_CLK_TCK));
  // Ready twice: one look may meet a thread that only asks. Fewer ticks: a process has ended.
  const bool waits_for_a_core = work.is_ready && was_ready_;
  if (waits_for_a_core || work.ticks < ticks_ || static_cast<double>(work.ticks - ticks_) > idle) {
    since_ = now;
  }
  was_ready_ = work.is_ready;
  ticks_ = work.ticks;
  looked_at_ = now;
  return now - since_;
}

}  // namespace ringtrain::launcher
