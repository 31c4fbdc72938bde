// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

namespace ringtrain {

// Seconds of all threads of this process, ended ones left out.
struct ThreadTimes {
  double ran = 0;     // on a core
  double waited = 0;  // ready to run, but without a core
};

// Reads schedstat of each thread (proc(5)); zeros where the kernel keeps none.
ThreadTimes read_thread_times(const std::filesystem::path& tasks = "/proc/self/task");

// Notices that a process does not get the cores that it would use: others hold them, or it has
// more threads than there are cores.
class CoreWait {
 public:
  // False once a share was returned: update() need not be called again.
  bool watches() const { return !reported_; }

  // Called a few times a second with the times up to now. Returns the share of its time that the
  // process waited for cores, once: when that is a third or more of at least 2 s.
  std::optional<double> update(const ThreadTimes& now);

 private:
  std::optional<ThreadTimes> from_;
  bool reported_ = false;
};

}  // namespace ringtrain
