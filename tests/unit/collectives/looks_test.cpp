// SPDX-License-Identifier: Apache-2.0
// How often ranks that wait ask the kernel who has ended.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>

#include <atomic>
#include <chrono>
#include <cstdarg>

#include "collectives/communicator.hpp"
#include "tests/unit/collectives/forked_members.hpp"

namespace {
std::atomic<int> looks = 0;
}

// Counts the questions, in the place of libc's.
extern "C" int fcntl(int file, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (command == F_GETLK) ++looks;
  return static_cast<int>(syscall(SYS_fcntl, file, command, argument));
}

namespace ringtrain::collectives {
namespace {

using namespace std::chrono_literals;

TEST(Looks, AreNotTakenWheneverARankComes) {
  EXPECT_THAT(run_members(8,
                          [](const auto& region) {
                            Communicator group(region);
                            const auto begun = std::chrono::steady_clock::now();
                            for (int i = 0; i < 100; ++i) group.barrier(1min);
                            const auto passed = std::chrono::steady_clock::now() - begun;
                            EXPECT_LE(looks, 7 * (passed / kLongestSleep + 1));
                          }),
              testing::Each(0));
}

}  // namespace
}  // namespace ringtrain::collectives
