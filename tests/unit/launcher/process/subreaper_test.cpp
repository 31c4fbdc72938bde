// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/subreaper.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "base/file_descriptor.hpp"

namespace ringtrain::launcher {
namespace {

// A subreaper in a child, and our end of its socket.
class Subreaper {
 public:
  explicit Subreaper(const std::vector<std::string>& arguments) {
    std::array<int, 2> sockets{};
    checked(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()), "socketpair");
    control_ = FileDescriptor(sockets[0]);
    const FileDescriptor theirs(sockets[1]);
    child_ = Child({.body = [&]() -> int {
      control_.close();
      run_subreaper({.arguments = arguments,
                     .standard_output = ::dup(STDOUT_FILENO),
                     .standard_error = ::dup(STDERR_FILENO),
                     .death_signal = SIGTERM},
                    theirs.get());
    }});
  }

  std::optional<SubreaperMessage> receive() {
    SubreaperMessage message{};
    if (::recv(control_.get(), &message, sizeof message, 0) != sizeof message) return {};
    return message;
  }
  void request(int32_t request) {
    EXPECT_EQ(::send(control_.get(), &request, sizeof request, MSG_NOSIGNAL),
              static_cast<ssize_t>(sizeof request));
  }
  void close() { control_.close(); }
  ExitStatus wait() { return child_.wait(); }

 private:
  FileDescriptor control_;
  Child child_;
};

TEST(Subreaper, ReportsTheStartAndTheEndOfItsChild) {
  Subreaper subreaper({"sh", "-c", "exit 7"});
  EXPECT_EQ(subreaper.receive()->kind, SubreaperMessage::started);
  const auto end = subreaper.receive();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->kind, SubreaperMessage::ended);
  EXPECT_EQ(exit_status(end->value).code, 7);
  EXPECT_TRUE(subreaper.wait().success());
}

TEST(Subreaper, ReportsWhyAProgramCannotStart) {
  Subreaper subreaper({"/no/such/program"});
  const auto message = subreaper.receive();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, SubreaperMessage::failed_to_start);
  EXPECT_EQ(message->value, ENOENT);
}

TEST(Subreaper, PassesSignalsOnAndKillsOnRequest) {
  Subreaper polite({"sleep", "1000"});
  polite.receive();
  polite.request(SIGUSR1);
  EXPECT_EQ(WTERMSIG(polite.receive()->value), SIGUSR1);
  Subreaper firm({"sh", "-c", "trap '' TERM INT; while :; do sleep 1; done"});
  firm.receive();
  firm.request(kKillEverything);
  EXPECT_EQ(WTERMSIG(firm.receive()->value), SIGKILL);
}

TEST(Subreaper, EndsItsChildWhenTheLauncherIsGone) {
  Subreaper subreaper({"sleep", "1000"});
  subreaper.receive();
  subreaper.close();
  EXPECT_TRUE(subreaper.wait().success());
}

}  // namespace
}  // namespace ringtrain::launcher
