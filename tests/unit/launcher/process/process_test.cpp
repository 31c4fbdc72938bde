// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <sstream>
#include <stdexcept>

namespace ringtrain::launcher {
namespace {

using std::chrono::seconds;

// Reads one line, a byte at a time.
std::string read_line(FileDescriptor& from) {
  std::string line;
  char c = 0;
  while (::read(from.get(), &c, 1) == 1 && c != '\n') line += c;
  return line;
}

std::vector<pid_t> read_processes(FileDescriptor& from) {
  std::istringstream words(read_line(from));
  std::vector<pid_t> processes;
  for (pid_t process = 0; words >> process;) processes.push_back(process);
  return processes;
}

// A process, by a descriptor that becomes readable when it has ended: its number may be taken anew.
class Watched {
 public:
  explicit Watched(pid_t process)
      : file_(static_cast<int>(::syscall(SYS_pidfd_open, process, 0))) {}
  bool was_there() const { return file_.is_open(); }
  bool ends() const {
    pollfd event{file_.get(), POLLIN, 0};
    return ::poll(&event, 1, 30'000) == 1;
  }

 private:
  FileDescriptor file_;
};

std::vector<Watched> watch(const std::vector<pid_t>& processes) {
  std::vector<Watched> watched;
  for (const pid_t process : processes) watched.emplace_back(process);
  return watched;
}

// Prints its own process number and those of two children, one of them in a session of its own, as
// ranks are, that ignores polite requests; then waits.
const std::vector<std::string> family = {  // NOLINT(cert-err58-cpp)
    "/bin/sh", "-c",
    "setsid sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1000; done' & a=$!;"
    "sleep 1000 & echo $$ $a $!; wait"};

void expect_all_end(const std::vector<Watched>& processes) {
  ASSERT_EQ(processes.size(), 3U);
  for (const Watched& process : processes) {
    EXPECT_TRUE(process.was_there());
    EXPECT_TRUE(process.ends());
  }
}

TEST(Process, GivesOutputAndStatus) {
  const Captured good = capture({"sh", "-c", "echo out; echo err >&2"}, seconds(30));
  EXPECT_EQ(good.standard_output, "out\n");
  EXPECT_EQ(good.standard_error, "err\n");
  EXPECT_TRUE(good.status.success());
  EXPECT_EQ(capture({"sh", "-c", "exit 7"}, seconds(30)).status.code, 7);
  EXPECT_EQ(capture({"sh", "-c", "kill -KILL $$"}, seconds(30)).status.signal, SIGKILL);
}

TEST(Process, HasTheEnvironmentAndNoInput) {
  EXPECT_EQ(
      capture({"sh", "-c", "echo $WHAT; cat"}, seconds(30), {{"WHAT", "ever"}}).standard_output,
      "ever\n");
}

TEST(Process, SaysWhyItCannotStart) {
  try {
    const Process process({"/no/such/program"});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "/no/such/program: cannot be started: No such file or directory");
  }
}

TEST(Process, IsEndedByItsTimeLimit) {
  EXPECT_TRUE(capture({"sleep", "1000"}, std::chrono::milliseconds(50)).timed_out);
}

TEST(Process, TakesItsWholeFamilyAlongWhenDestroyed) {
  std::vector<Watched> watched;
  {
    Process process(family);
    watched = watch(read_processes(process.standard_output()));
  }
  expect_all_end(watched);
}

TEST(Process, LeavesNoStraysWhenItsChildIsKilled) {
  Process process(family);
  const auto processes = read_processes(process.standard_output());
  const auto watched = watch(processes);
  ::kill(processes.at(0), SIGKILL);
  EXPECT_EQ(process.wait().signal, SIGKILL);
  expect_all_end(watched);
}

TEST(Process, LeavesNoStraysWhenItsSubreaperIsKilled) {
  Process process(family);
  const auto watched = watch(read_processes(process.standard_output()));
  ::kill(process.subreaper(), SIGKILL);
  EXPECT_FALSE(process.wait().success());
  expect_all_end(watched);
}

TEST(Process, LeavesNoStraysWhenTheLauncherIsKilled) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  FileDescriptor from_launcher(ends[0]);
  FileDescriptor to_us(ends[1]);
  const pid_t launcher = ::fork();
  ASSERT_GE(launcher, 0);
  if (launcher == 0) {
    Process process(family);
    const std::string line = read_line(process.standard_output()) + "\n";
    if (::write(to_us.get(), line.data(), line.size()) < 0) ::_exit(1);
    for (;;) ::pause();
  }
  const auto watched = watch(read_processes(from_launcher));
  ::kill(launcher, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(launcher, &status, 0), launcher);
  expect_all_end(watched);
}

TEST(Process, PassesSignalsToItsChild) {
  Process process({"sh", "-c", "trap 'exit 5' USR1; echo ready; while :; do sleep 0.01; done"});
  EXPECT_EQ(read_line(process.standard_output()), "ready");
  process.send(SIGUSR1);
  EXPECT_EQ(process.wait().code, 5);
}

TEST(FindProgram, LooksThroughThePath) {
  EXPECT_THAT(find_program("sh"), testing::EndsWith("/sh"));
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
  EXPECT_EQ(find_program("no-such-program-anywhere"), "");
  EXPECT_EQ(find_program("/tmp"), "");
}

}  // namespace
}  // namespace ringtrain::launcher
