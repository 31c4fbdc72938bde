// SPDX-License-Identifier: Apache-2.0
#include "launcher/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace ringtrain::launcher {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds after_request(10'000);  // from a signal passed on to the kill of the tree
constexpr milliseconds after_orphaned(5'000);  // from the launcher's death
constexpr milliseconds after_child(2'000);     // from the child's end
constexpr int kill_everything = 0;  // on the control socket, where other numbers are signals

// What the keeper tells.
struct Message {
  enum Kind : int32_t { started, failed_to_start, ended } kind;
  int32_t value;  // errno, or the child's wait status
};

[[noreturn]] void fail(const char* call) {
  throw std::runtime_error(fmt::format("{}: {}", call, std::strerror(errno)));
}

int checked(int result, const char* call) {
  if (result < 0) fail(call);
  return result;
}

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  checked(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// The parent of a process, by /proc/PID/stat; 0 where it is gone.
pid_t parent_of(pid_t process) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/stat", process);
  const FileDescriptor file(::open(path.data(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return 0;
  std::array<char, 512> text{};
  const ssize_t size = ::read(file.get(), text.data(), text.size() - 1);
  if (size <= 0) return 0;
  // "PID (name) S PPID ...", where the name may hold anything.
  const char* after_name = std::strrchr(text.data(), ')');
  if (after_name == nullptr || std::strlen(after_name) < 4) return 0;
  return static_cast<pid_t>(std::strtol(after_name + 4, nullptr, 10));
}

// Every process below `root`.
std::vector<pid_t> descendants(pid_t root) {
  std::vector<std::pair<pid_t, pid_t>> parents;
  DIR* const directory = ::opendir("/proc");
  if (directory == nullptr) return {};
  while (const dirent* entry = ::readdir(directory)) {
    const auto process = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (process > 0) parents.emplace_back(process, parent_of(process));
  }
  ::closedir(directory);
  std::vector<pid_t> found{root};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const auto& [process, parent] : parents) {
      if (parent == found[i]) found.push_back(process);
    }
  }
  found.erase(found.begin());
  return found;
}

void signal_descendants(pid_t root, int signal) {
  for (const pid_t process : descendants(root)) ::kill(process, signal);
}

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

void tell(int control, Message::Kind kind, int value) {
  const Message message{kind, value};
  // Nobody may be there any more.
  ::send(control, &message, sizeof message, MSG_NOSIGNAL);
}

// Reaps what has ended. True when `child` is among it; `status` is then its status. Sets `alone`
// when no children are left.
bool reap(pid_t child, int& status, bool& alone) {
  bool found = false;
  for (;;) {
    int one = 0;
    const pid_t process = ::waitpid(-1, &one, WNOHANG);
    if (process < 0 && errno == EINTR) continue;
    alone = process < 0;
    if (process <= 0) return found;
    if (process == child) {
      status = one;
      found = true;
    }
  }
}

// The whole life of the keeper after its child has started. See the header.
void keep(pid_t child, int control, int child_signals) {
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
  tell(control, Message::ended, status);
}

[[noreturn]] void run_keeper(char* const* arguments, int control, int out, int err) {
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) ::signal(signal, SIG_IGN);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  const auto give_up = [&](int reason) {
    tell(control, Message::failed_to_start, reason);
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
  tell(control, Message::started, 0);
  keep(child, control, child_signals);
  ::_exit(0);
}

std::optional<Message> receive(int control) {
  Message message{};
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

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    number_ = std::exchange(other.number_, -1);
  }
  return *this;
}

void FileDescriptor::close() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

Process::Process(const std::vector<std::string>& arguments, const Environment& environment) {
  if (arguments.empty()) throw std::runtime_error("no program to start");
  std::vector<std::string> texts = arguments;
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);

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
  if (!first || first->kind != Message::started) {
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
  if (message && message->kind == Message::ended) {
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
  const auto deadline = Clock::now() + after_orphaned;
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

Captured capture(const std::vector<std::string>& arguments, milliseconds limit,
                 const Environment& environment) {
  constexpr std::size_t most = 1 << 20;
  Process process(arguments, environment);
  Captured result;
  const auto deadline = Clock::now() + limit;
  const auto drain = [&](FileDescriptor& from, std::string& to) {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
    if (size > 0 && to.size() < most) to.append(buffer.data(), static_cast<std::size_t>(size));
    if (size == 0 || (size < 0 && errno != EINTR)) from.close();
  };
  FileDescriptor& out = process.standard_output();
  FileDescriptor& err = process.standard_error();
  while (out.is_open() || err.is_open()) {
    std::array<pollfd, 2> events{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      result.timed_out = true;
      process.kill();
      break;
    }
    if (::poll(events.data(), events.size(), static_cast<int>(left)) < 0 && errno != EINTR) {
      fail("poll");
    }
    if (events[0].revents != 0) drain(out, result.standard_output);
    if (events[1].revents != 0) drain(err, result.standard_error);
  }
  result.status = process.wait();
  return result;
}

std::string find_program(const std::string& name) {
  const auto is_program = [](const std::string& path) {
    return ::access(path.c_str(), X_OK) == 0 && ::access((path + "/.").c_str(), F_OK) != 0;
  };
  if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
  const char* const path = std::getenv("PATH");
  std::string directories = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  for (std::size_t start = 0; start <= directories.size();) {
    const auto colon = std::min(directories.find(':', start), directories.size());
    const std::string directory = directories.substr(start, colon - start);
    std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
    if (is_program(candidate)) return candidate;
    start = colon + 1;
  }
  return "";
}

}  // namespace ringtrain::launcher
