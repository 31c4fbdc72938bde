// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/remote_shell.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

#include "base/file_descriptor.hpp"
#include "base/machine.hpp"
#include "base/spawn.hpp"
#include "base/text.hpp"
#include "job/events.hpp"
#include "launcher/process/process_tree.hpp"
#include "launcher/process/scratch.hpp"
#include "launcher/process/stopped_ranks.hpp"

namespace ringtrain::launcher {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kBetweenSigns(1'000);
constexpr milliseconds kLongestSilence(8'000);
constexpr milliseconds kBetweenLooks(3'000);  // for paused ranks
constexpr milliseconds kAfterClose(1'000);  // in which orted ends by itself, in a run without fault

size_t words_in(const char* text) {
  std::istringstream words(text == nullptr ? "" : text);
  std::string word;
  size_t count = 0;
  while (words >> word) ++count;
  return count;
}

// Writes to stdout, which is the launcher's pipe, by way of ssh on another host.
void report(const Event& event) {
  const std::string line = print_event(event, attempt_from_environment()) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, line.data(), line.size());
}

}  // namespace

std::vector<std::string> ssh_options() {
  std::vector<std::string> options = {"-x", "-T"};
  for (const char* option :
       {"BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=2", "ServerAliveCountMax=3",
        "ControlMaster=no", "ControlPath=none", "LogLevel=ERROR"}) {
    options.insert(options.end(), {"-o", option});
  }
  return options;
}

int remote_shell(const std::vector<std::string>& arguments) {
  const size_t options = words_in(std::getenv("OMPI_MCA_plm_rsh_args"));
  if (arguments.size() < options + 2) return 2;
  const std::string& host = arguments[options];
  std::string command;
  for (size_t i = options + 1; i < arguments.size(); ++i) command += arguments[i] + " ";
  const char* const scratch = std::getenv("RINGTRAIN_SCRATCH");
  // The host has this program as it has the worker; without it the run has no guard.
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string attempt =
      fmt::format("export {}={}; ", kAttemptVariable, attempt_from_environment());
  const std::string guarded =
      attempt + "[ -x " + shell_quoted(self) + " ] && exec " + shell_quoted(self) + " guard " +
      shell_quoted(scratch == nullptr ? "" : scratch) + " \"$1\"; exec sh -c \"$1\"";

  std::vector<std::string> ssh = {"ssh"};
  for (const std::string& option : ssh_options()) ssh.push_back(option);
  ssh.insert(ssh.end(), arguments.begin(),
             arguments.begin() + static_cast<std::ptrdiff_t>(options));
  ssh.insert(ssh.end(),
             {host, "exec sh -c " + shell_quoted(guarded) + " sh " + shell_quoted(command)});

  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::signal(SIGPIPE, SIG_IGN);
  Pipe signs = make_pipe();
  Child child({.arguments = ssh, .standard_input = signs.read_end.get(), .death_signal = SIGTERM});
  signs.read_end.close();
  checked(::fcntl(signs.write_end.get(), F_SETFL, O_NONBLOCK), "fcntl");
  const FileDescriptor ended(static_cast<int>(::syscall(SYS_pidfd_open, child.process(), 0)));
  while (!child.poll()) {
    // A full pipe is no loss: ssh is stuck, and the host must notice just that.
    [[maybe_unused]] const ssize_t written = ::write(signs.write_end.get(), ".", 1);
    pollfd event{ended.get(), POLLIN, 0};
    ::poll(&event, 1, static_cast<int>(kBetweenSigns.count()));
  }
  constexpr int kConnectionFailed = 255;
  const int code = child.wait().shell_code();
  if (code == kConnectionFailed) report(LostHostEvent{host});
  return code;
}

int guard(const std::string& scratch, const std::string& command) {
  checked(::prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");
  for (const int signal : {SIGHUP, SIGINT, SIGPIPE}) ::signal(signal, SIG_IGN);
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigaddset(&watched, SIGTERM);
  checked(::sigprocmask(SIG_BLOCK, &watched, nullptr), "sigprocmask");
  const FileDescriptor signals(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  checked(signals.get(), "signalfd");
  make_scratch(scratch);
  const pid_t self = ::getpid();
  const pid_t child = spawn({.arguments = {"/bin/sh", "-c", command}, .death_signal = SIGKILL});

  int status = 0;
  bool alone = false;
  bool listening = true;
  auto kill_at = Clock::now() + kLongestSilence;
  const std::string host = host_name();
  std::string paused;
  auto next_look = Clock::now() + kBetweenLooks;
  for (;;) {
    if (Clock::now() >= next_look) {
      next_look = Clock::now() + kBetweenLooks;
      if (std::string now = stopped_ranks(self); now != paused) {
        report(PausedEvent{host, now});
        paused = std::move(now);
      }
    }
    reap(child, status, alone);
    if (alone) {
      remove_scratch(scratch);
      return exit_status(status).shell_code();
    }
    const auto left = std::chrono::duration_cast<milliseconds>(kill_at - Clock::now()).count();
    if (left <= 0) signal_descendants(self, SIGKILL);
    const int timeout =
        left > 0 ? static_cast<int>(std::min<int64_t>(left, kBetweenLooks.count())) + 1 : 20;
    std::array<pollfd, 2> events{pollfd{signals.get(), POLLIN, 0},
                                 pollfd{listening ? STDIN_FILENO : -1, POLLIN, 0}};
    if (::poll(events.data(), events.size(), timeout) < 0 && errno != EINTR) return 1;
    signalfd_siginfo info{};
    while (::read(signals.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGTERM) kill_at = std::min(kill_at, Clock::now() + kAfterClose);
    }
    if (events[1].revents == 0) continue;
    std::array<char, 256> signs{};
    const ssize_t size = ::read(STDIN_FILENO, signs.data(), signs.size());
    if (size > 0) {
      kill_at = Clock::now() + kLongestSilence;
    } else if (size == 0 || errno != EINTR) {
      listening = false;
      kill_at = std::min(kill_at, Clock::now() + kAfterClose);
    }
  }
}

}  // namespace ringtrain::launcher
