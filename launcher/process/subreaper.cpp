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
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>

#include "base/file_descriptor.hpp"
#include "launcher/process/process_tree.hpp"
#include "launcher/process/scratch.hpp"

namespace ringtrain::launcher {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kAfterRequest(10'000);  // from a signal passed on to the kill of the tree
constexpr milliseconds kAfterChild(2'000);     // from the child's end to the kill of the rest

void report(int control, SubreaperMessage::Kind kind, int value) {
  const SubreaperMessage message{kind, value};
  // The launcher may have died.
  ::send(control, &message, sizeof message, MSG_NOSIGNAL);
}

// Everything from the start of the child to the end of the tree.
class Watch {
 public:
  Watch(pid_t child, int control, int child_signals)
      : child_(child), control_(control), child_signals_(child_signals) {}

  // Returns the wait status of the child once the tree has ended.
  int run() {
    while (!(child_ended_ && alone_)) {
      std::array<pollfd, 2> events{pollfd{child_signals_, POLLIN, 0},
                                   pollfd{launcher_gone_ ? -1 : control_, POLLIN, 0}};
      if (::poll(events.data(), events.size(), enforce_deadline()) < 0 && errno != EINTR) {
        ::_exit(1);
      }
      if (events[1].revents != 0) take_request();
      signalfd_siginfo drained;
      while (::read(child_signals_, &drained, sizeof drained) > 0) {
      }
      if (!reap(child_, status_, alone_)) continue;
      child_ended_ = true;
      if (alone_) continue;
      signal_descendants(::getpid(), SIGTERM);
      kill_after(kAfterChild);
    }
    return status_;
  }

 private:
  void kill_after(milliseconds wait) {
    const auto at = Clock::now() + wait;
    if (!kill_at_ || at < *kill_at_) kill_at_ = at;
  }

  // Returns the time in milliseconds until it must be called again; -1: never.
  int enforce_deadline() const {
    if (!kill_at_) return -1;
    const auto left = std::chrono::duration_cast<milliseconds>(*kill_at_ - Clock::now()).count();
    if (left > 0) return static_cast<int>(left) + 1;
    // Repeated: a process may have been started between the look at the tree and the kill.
    signal_descendants(::getpid(), SIGKILL);
    return 20;
  }

  void take_request() {
    int32_t request = 0;
    const ssize_t size = ::recv(control_, &request, sizeof request, MSG_DONTWAIT);
    if (size == sizeof request) {
      if (request == kKillEverything) {
        kill_after(milliseconds(0));
        return;
      }
      if (!child_ended_) ::kill(child_, request);
      if (request == SIGTERM || request == SIGINT || request == SIGHUP) kill_after(kAfterRequest);
    } else if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
      launcher_gone_ = true;
      if (!child_ended_) ::kill(child_, SIGTERM);
      kill_after(kOrphansEndBy);
    }
  }

  const pid_t child_;
  const int control_;
  const int child_signals_;
  int status_ = 0;
  bool child_ended_ = false;
  bool alone_ = false;  // no process is left below us
  bool launcher_gone_ = false;
  std::optional<Clock::time_point> kill_at_;
};

// Lets go of the streams that the launcher and its callers wait on to close.
void close_streams(const SpawnOptions& program) {
  ::close(program.standard_output);
  ::close(program.standard_error);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) return;
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::dup2(nothing, standard);
  }
}

}  // namespace

void run_subreaper(const SpawnOptions& program, int control) {
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) ::signal(signal, SIG_IGN);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  const char* const variable = std::getenv("RINGTRAIN_SCRATCH");
  const std::string scratch = variable == nullptr ? "" : variable;
  make_scratch(scratch);
  try {
    checked(::sigprocmask(SIG_SETMASK, &child_signal, nullptr), "sigprocmask");
    const int child_signals =
        checked(::signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
    const pid_t child = spawn(program);
    close_streams(program);
    report(control, SubreaperMessage::started, 0);
    const int status = Watch(child, control, child_signals).run();
    remove_scratch(scratch);
    report(control, SubreaperMessage::ended, status);
  } catch (const std::system_error& error) {
    remove_scratch(scratch);
    report(control, SubreaperMessage::failed_to_start, error.code().value());
    ::_exit(1);
  }
  ::_exit(0);
}

}  // namespace ringtrain::launcher
