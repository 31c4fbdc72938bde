// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/process.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "launcher/process/process_tree.hpp"
#include "launcher/process/subreaper.hpp"

namespace ringtrain::launcher {
namespace {

using Clock = std::chrono::steady_clock;

std::optional<KeeperMessage> receive(int control) {
  KeeperMessage message{};
  for (;;) {
    const ssize_t size = ::recv(control, &message, sizeof message, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size != sizeof message) return std::nullopt;
    return message;
  }
}

ExitStatus exit_status(int wait_status) {
  if (WIFSIGNALED(wait_status)) return {0, WTERMSIG(wait_status)};
  return {WEXITSTATUS(wait_status), 0};
}

}  // namespace

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

Process::Process(const std::vector<std::string>& arguments, const Environment& environment) {
  if (arguments.empty()) throw std::runtime_error("no program to start");
  std::vector<std::string> texts = arguments;
  const std::vector<char*> pointers = pointers_to(texts);

  Pipe out = make_pipe();
  Pipe err = make_pipe();
  std::array<int, 2> sockets{};
  checked(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()), "socketpair");
  control_ = FileDescriptor(sockets[0]);
  FileDescriptor keepers_end(sockets[1]);
  checked(::prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");

  keeper_ = checked(::fork(), "fork");
  if (keeper_ == 0) {
    control_.close();
    out.read_end.close();
    err.read_end.close();
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    run_keeper(pointers.data(), keepers_end.get(), out.write_end.get(), err.write_end.get());
  }
  keepers_end.close();
  standard_output_ = std::move(out.read_end);
  standard_error_ = std::move(err.read_end);

  const auto first = receive(control_.get());
  if (!first || first->kind != KeeperMessage::started) {
    int ignored = 0;
    while (::waitpid(keeper_, &ignored, 0) < 0 && errno == EINTR) {
    }
    throw std::runtime_error(
        fmt::format("{}: cannot be started: {}", arguments[0],
                    first ? std::strerror(first->value) : "its keeper was killed"));
  }
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

void Process::kill() { send(kill_everything); }

ExitStatus Process::wait() {
  if (has_ended_) return status_;
  const auto message = receive(control_.get());
  has_ended_ = true;
  if (message && message->kind == KeeperMessage::ended) {
    status_ = exit_status(message->value);
    int ignored = 0;
    while (::waitpid(keeper_, &ignored, 0) < 0 && errno == EINTR) {
    }
    return status_;
  }
  // The keeper was killed. Its children are ours now, and its child has had SIGTERM.
  int ignored = 0;
  while (::waitpid(keeper_, &ignored, 0) < 0 && errno == EINTR) {
  }
  const auto deadline = Clock::now() + std::chrono::milliseconds(milliseconds_after_orphaned);
  for (;;) {
    const auto left = descendants(::getpid());
    if (left.empty()) break;
    for (const pid_t process : left) {
      if (Clock::now() >= deadline) ::kill(process, SIGKILL);
      ::waitpid(process, &ignored, WNOHANG);
    }
    ::poll(nullptr, 0, 10);
  }
  status_ = {0, SIGKILL};
  return status_;
}

}  // namespace ringtrain::launcher
