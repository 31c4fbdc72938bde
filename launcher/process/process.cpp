// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/process.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "base/deadline.hpp"
#include "launcher/process/process_tree.hpp"
#include "launcher/process/subreaper.hpp"

namespace ringtrain::launcher {
namespace {

std::optional<SubreaperMessage> receive(int control) {
  SubreaperMessage message{};
  for (;;) {
    const ssize_t size = ::recv(control, &message, sizeof message, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size != sizeof message) return std::nullopt;
    return message;
  }
}

// Returns the processes below us but for these.
std::vector<pid_t> descendants_but(const std::vector<pid_t>& others) {
  std::vector<pid_t> found = descendants(::getpid());
  std::erase_if(found, [&](pid_t process) {
    return std::find(others.begin(), others.end(), process) != others.end();
  });
  return found;
}

// Ends and reaps what a subreaper that was killed has left below us.
void end_orphans(const std::vector<pid_t>& others) {
  const Deadline deadline(kOrphansEndBy);
  for (auto left = descendants_but(others); !left.empty(); left = descendants_but(others)) {
    for (const pid_t process : left) {
      if (deadline.passed()) ::kill(process, SIGKILL);
      ::waitpid(process, nullptr, WNOHANG);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const Environment& environment) {
  if (arguments.empty()) throw std::runtime_error("no program to start");
  others_ = descendants(::getpid());
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  std::array<int, 2> sockets{};
  checked(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()), "socketpair");
  control_ = FileDescriptor(sockets[0]);
  FileDescriptor subreapers_end(sockets[1]);
  checked(::prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");

  const auto life = [&]() -> int {
    control_.close();
    out.read_end.close();
    err.read_end.close();
    run_subreaper({.arguments = arguments,
                   .standard_output = out.write_end.get(),
                   .standard_error = err.write_end.get(),
                   .death_signal = SIGTERM},
                  subreapers_end.get());
  };
  subreaper_ = Child({.body = life, .environment = environment, .standard_input = kInherit});
  subreapers_end.close();
  standard_output_ = std::move(out.read_end);
  standard_error_ = std::move(err.read_end);

  const auto first = receive(control_.get());
  if (first && first->kind == SubreaperMessage::started) return;
  subreaper_.wait();
  if (!first) {
    throw std::runtime_error(
        fmt::format("{}: cannot be started: its subreaper was killed", arguments[0]));
  }
  throw std::system_error(first->value, std::generic_category(),
                          arguments[0] + ": cannot be started");
}

Process::~Process() {
  if (has_ended_) return;
  kill();
  wait();
}

void Process::send(int signal) {
  const int32_t request = signal;
  ::send(control_.get(), &request, sizeof request, MSG_NOSIGNAL);
}

void Process::kill() { send(kKillEverything); }

ExitStatus Process::wait() {
  if (has_ended_) return status_;
  const auto message = receive(control_.get());
  has_ended_ = true;
  subreaper_.wait();
  if (message && message->kind == SubreaperMessage::ended) {
    status_ = exit_status(message->value);
  } else {  // the subreaper was killed: its child has had SIGTERM, and its children are ours now
    end_orphans(others_);
    status_ = {0, SIGKILL};
  }
  return status_;
}

}  // namespace ringtrain::launcher
