// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/remote_shell.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <variant>

#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"
#include "base/text.hpp"
#include "job/events.hpp"
#include "tests/unit/launcher/fake_ssh.hpp"

namespace ringtrain::launcher {
namespace {

using testing::HasSubstr;

std::string read_all(const FileDescriptor& from) {
  std::string text;
  std::array<char, 1024> buffer{};
  for (ssize_t size = 0; (size = ::read(from.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(size));
  }
  return text;
}

struct Ended {
  int exit_code;
  std::string output;
};

Ended run_remote_shell(const std::vector<std::string>& arguments) {
  Pipe out = make_pipe();
  Child child(
      {.body = [&] { return remote_shell(arguments); }, .standard_output = out.write_end.get()});
  out.write_end.close();
  const std::string output = read_all(out.read_end);
  return {child.wait().shell_code(), output};
}

TEST(RemoteShell, RunsAGuardedCommandOnTheHost) {
  const FakeSsh ssh("for word in \"$@\"; do echo \"[$word]\"; done; exit 5");
  const Ended ended = run_remote_shell({"node2", "orted", "-mca", "it's"});
  EXPECT_EQ(ended.exit_code, 5);
  EXPECT_THAT(ended.output, HasSubstr("[BatchMode=yes]"));
  EXPECT_THAT(ended.output, HasSubstr("[node2]"));
  EXPECT_THAT(ended.output, HasSubstr(" guard "));
  EXPECT_THAT(ended.output, HasSubstr("orted -mca it'\\''s"));
}

TEST(RemoteShell, ReportsAHostThatSshLoses) {
  const FakeSsh ssh("exit 255");
  const Ended ended = run_remote_shell({"node2", "orted"});
  EXPECT_EQ(ended.exit_code, 255);
  const auto event = parse_event(first_line(ended.output));
  ASSERT_TRUE(event);
  ASSERT_TRUE(std::holds_alternative<LostHostEvent>(event->event));
  EXPECT_EQ(std::get<LostHostEvent>(event->event).host, "node2");
}

TEST(RemoteShell, SendsSignsOfLife) {
  const FakeSsh ssh("head -c 2");
  EXPECT_EQ(run_remote_shell({"node2", "orted"}).output, "..");
}

TEST(RemoteShell, RefusesTooFewArguments) { EXPECT_EQ(run_remote_shell({"node2"}).exit_code, 2); }

// A guard in a child; signs of life go through the pipe.
class Guard {
 public:
  explicit Guard(const std::string& command)
      : child_({.body =
                    [this, command] {
                      signs_.write_end.close();
                      return guard("", command);
                    },
                .standard_input = signs_.read_end.get()}) {
    signs_.read_end.close();
  }
  void close() { signs_.write_end.close(); }
  ExitStatus wait() { return child_.wait(); }

 private:
  Pipe signs_ = make_pipe();
  Child child_;
};

TEST(Guard, EndsAsItsCommandDoes) {
  EXPECT_EQ(Guard("exit 7").wait().code, 7);
  EXPECT_EQ(Guard("kill -TERM $$").wait().code, 128 + SIGTERM);
}

TEST(Guard, KillsEverythingWhenTheConnectionCloses) {
  Guard guard("setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1; done' & wait");
  guard.close();
  EXPECT_EQ(guard.wait().code, 128 + SIGKILL);
}

}  // namespace
}  // namespace ringtrain::launcher
