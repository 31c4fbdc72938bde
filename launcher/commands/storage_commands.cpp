// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/storage_commands.hpp"

#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "base/file_descriptor.hpp"
#include "storage/cache/fetcher.hpp"
#include "storage/mirror.hpp"

namespace ringtrain::launcher {

int run_fetch(const std::vector<std::string>& arguments) {
  // The rank that started it may be bound to a core. The kernel keeps to those of the container.
  cpu_set_t all;
  std::memset(&all, 0xff, sizeof all);
  ::sched_setaffinity(0, sizeof all, &all);
  storage::run_fetcher(FileDescriptor(STDIN_FILENO),
                       {.bytes = std::stoull(arguments.at(0)), .folder = arguments.at(1)});
  return 0;
}

int run_mirror(const std::vector<std::string>& arguments) {
  // When ranks fail, the launcher ends all processes below it, first by this signal. A checkpoint
  // may still have to be sent.
  std::signal(SIGTERM, SIG_IGN);
  return storage::run_mirror(arguments.at(0), arguments.at(1), STDIN_FILENO, STDOUT_FILENO);
}

}  // namespace ringtrain::launcher
