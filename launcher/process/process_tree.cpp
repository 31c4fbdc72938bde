// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/file_descriptor.hpp"

namespace ringtrain::launcher {

ProcessStat stat_of(pid_t process) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/stat", process);
  const FileDescriptor file(::open(path.data(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return {};
  std::array<char, 512> text{};
  const ssize_t size = ::read(file.get(), text.data(), text.size() - 1);
  if (size <= 0) return {};
  // "PID (name) STATE PPID ...", where the name may hold anything.
  const char* after_name = std::strrchr(text.data(), ')');
  if (after_name == nullptr || std::strlen(after_name) < 4) return {};
  return {after_name[2], static_cast<pid_t>(std::strtol(after_name + 4, nullptr, 10))};
}

std::vector<pid_t> descendants(pid_t root) {
  std::vector<std::pair<pid_t, pid_t>> parents;
  DIR* const directory = ::opendir("/proc");
  if (directory == nullptr) return {};
  while (const dirent* entry = ::readdir(directory)) {
    const auto process = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (process > 0) parents.emplace_back(process, stat_of(process).parent);
  }
  ::closedir(directory);
  std::vector<pid_t> found{root};
  for (size_t i = 0; i < found.size(); ++i) {
    for (const auto& [process, parent] : parents) {
      if (parent == found[i]) found.push_back(process);
    }
  }
  found.erase(found.begin());
  return found;
}

void signal_descendants(pid_t root, int signal) {
  for (const pid_t process : descendants(root)) ::kill(process, signal);
}

bool reap(pid_t child, int& status, bool& alone) {
  bool found = false;
  for (;;) {
    int one = 0;
    const pid_t process = ::waitpid(-1, &one, WNOHANG);
    if (process < 0 && errno == EINTR) continue;
    alone = process < 0;
    if (process <= 0) return found;
    if (process == child) {
      status = one;
      found = true;
    }
  }
}

}  // namespace ringtrain::launcher
