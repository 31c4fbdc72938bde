// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/subreaper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>

#include "launcher/process/process_tree.hpp"
#include "launcher/process/scratch.hpp"

namespace ringtrain::launcher {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds after_request(10'000);  // from a signal passed on to the kill of the tree
constexpr milliseconds after_orphaned(milliseconds_after_orphaned);
constexpr milliseconds after_child(2'000);  // from the child's end

// Runs in the keeper's child: becomes the program, or tells why not.
[[noreturn]] void become_program(char* const* arguments, pid_t keeper, int out, int err,
                                 int problem) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  bool ready = ::getppid() == keeper && nothing >= 0 && ::dup2(nothing, STDIN_FILENO) >= 0 &&
               ::dup2(out, STDOUT_FILENO) >= 0 && ::dup2(err, STDERR_FILENO) >= 0;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGQUIT}) {
    ready = ready && ::signal(signal, SIG_DFL) != SIG_ERR;
  }
  sigset_t none;
  sigemptyset(&none);
  ready = ready && ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
  if (ready) ::execvp(arguments[0], arguments);
  const int reason = errno;
  [[maybe_unused]] const ssize_t written = ::write(problem, &reason, sizeof reason);
  ::_exit(127);
}

void tell(int control, KeeperMessage::Kind kind, int value) {
  const KeeperMessage message{kind, value};
  // Nobody may be there any more.
  ::send(control, &message, sizeof message, MSG_NOSIGNAL);
}

// The whole life of the keeper after its child has started. See the header. Gives the status of the
// child.
int keep(pid_t child, int control, int child_signals) {
  int status = 0;
  bool child_ended = false;
  bool alone = false;
  bool launcher_gone = false;
  std::optional<Clock::time_point> kill_at;
  const auto kill_after = [&](milliseconds wait) {
    const auto at = Clock::now() + wait;
    if (!kill_at || at < *kill_at) kill_at = at;
  };

  while (!(child_ended && alone)) {
    // After the deadline again and again: a process may have been started between look and kill.
    int timeout = -1;
    if (kill_at) {
      const auto left = std::chrono::duration_cast<milliseconds>(*kill_at - Clock::now()).count();
      timeout = left > 0 ? static_cast<int>(left) + 1 : 20;
      if (left <= 0) signal_descendants(::getpid(), SIGKILL);
    }
    std::array<pollfd, 2> events{pollfd{child_signals, POLLIN, 0},
                                 pollfd{launcher_gone ? -1 : control, POLLIN, 0}};
    if (::poll(events.data(), events.size(), timeout) < 0 && errno != EINTR) ::_exit(1);

    if (events[1].revents != 0) {
      int32_t request = 0;
      const ssize_t size = ::recv(control, &request, sizeof request, MSG_DONTWAIT);
      if (size == sizeof request) {
        if (request == kill_everything) {
          kill_after(milliseconds(0));
        } else {
          if (!child_ended) ::kill(child, request);
          if (request == SIGTERM || request == SIGINT || request == SIGHUP) {
            kill_after(after_request);
          }
        }
      } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        launcher_gone = true;
        if (!child_ended) ::kill(child, SIGTERM);
        kill_after(after_orphaned);
      }
    }
    signalfd_siginfo drained;
    while (::read(child_signals, &drained, sizeof drained) > 0) {
    }
    if (reap(child, status, alone)) {
      child_ended = true;
      if (!alone) {
        signal_descendants(::getpid(), SIGTERM);
        kill_after(after_child);
      }
    }
  }
  return status;
}

}  // namespace

void run_keeper(char* const* arguments, int control, int out, int err) {
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) ::signal(signal, SIG_IGN);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  const char* const variable = std::getenv("RINGTRAIN_SCRATCH");
  const std::string scratch = variable == nullptr ? "" : variable;
  make_scratch(scratch);
  const auto give_up = [&](int reason) {
    remove_scratch(scratch);
    tell(control, KeeperMessage::failed_to_start, reason);
    ::_exit(1);
  };
  std::array<int, 2> problem{};
  if (::sigprocmask(SIG_SETMASK, &child_signal, nullptr) != 0 ||
      ::pipe2(problem.data(), O_CLOEXEC) != 0) {
    give_up(errno);
  }
  const int child_signals = ::signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  if (child_signals < 0) give_up(errno);

  const pid_t keeper = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) give_up(errno);
  if (child == 0) become_program(arguments, keeper, out, err, problem[1]);

  // Our copies of what the launcher and its callers wait on to end.
  ::close(problem[1]);
  ::close(out);
  ::close(err);
  if (const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC); nothing >= 0) {
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      ::dup2(nothing, standard);
    }
  }

  int reason = 0;
  ssize_t size = 0;
  do {
    size = ::read(problem[0], &reason, sizeof reason);
  } while (size < 0 && errno == EINTR);
  if (size == sizeof reason) give_up(reason);
  tell(control, KeeperMessage::started, 0);
  const int status = keep(child, control, child_signals);
  remove_scratch(scratch);
  tell(control, KeeperMessage::ended, status);
  ::_exit(0);
}

}  // namespace ringtrain::launcher
