// SPDX-License-Identifier: Apache-2.0
#include "base/spawn.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include "base/file_descriptor.hpp"

namespace ringtrain {
namespace {

// The pointers that exec takes, a null pointer last. Valid while `words` is unchanged.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const Environment& more) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const bool replaced = std::any_of(more.begin(), more.end(), [&](const auto& variable) {
      return text.starts_with(variable.first + "=");
    });
    if (!replaced) result.push_back(text);
  }
  for (const auto& [name, value] : more) result.push_back(fmt::format("{}={}", name, value));
  return result;
}

[[noreturn]] void cannot_start(const std::string& program, int reason) {
  throw std::system_error(reason, std::generic_category(), program + ": cannot be started");
}

bool give_stream(int stream, int descriptor) {
  if (descriptor == kInherit) return true;
  if (descriptor == kDevNull) descriptor = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  return descriptor >= 0 && ::dup2(descriptor, stream) >= 0;
}

// Sets up a child between fork and exec. Only async-signal-safe calls: other threads of the parent
// may have held locks. Returns false with errno.
bool set_up(const SpawnOptions& options, pid_t parent) {
  if (options.death_signal != 0) {
    ::prctl(PR_SET_PDEATHSIG, options.death_signal);
    if (::getppid() != parent) {
      errno = ESRCH;
      return false;
    }
  }
  if (options.own_group && ::setpgid(0, 0) != 0) return false;
  return give_stream(STDIN_FILENO, options.standard_input) &&
         give_stream(STDOUT_FILENO, options.standard_output) &&
         give_stream(STDERR_FILENO, options.standard_error);
}

bool reset_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGQUIT}) {
    if (::signal(signal, SIG_DFL) == SIG_ERR) return false;
  }
  sigset_t none;
  sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

[[noreturn]] void run_body(const SpawnOptions& options, pid_t parent) {
  if (!set_up(options, parent)) ::_exit(127);
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  try {
    ::_exit(options.body());
  } catch (...) {  // must not unwind into the parent's code
    ::_exit(127);
  }
}

}  // namespace

ExitStatus exit_status(int wait_status) {
  if (WIFSIGNALED(wait_status)) return {0, WTERMSIG(wait_status)};
  return {WEXITSTATUS(wait_status), 0};
}

pid_t spawn(const SpawnOptions& options) {
  const pid_t parent = ::getpid();
  if (options.body) {
    const pid_t child = checked(::fork(), "fork");
    if (child == 0) run_body(options, parent);
    return child;
  }
  if (options.arguments.empty()) throw std::runtime_error("no program to start");
  std::vector<std::string> words = options.arguments;
  std::vector<std::string> variables = environment_with(options.environment);
  const std::vector<char*> arguments = pointers_to(words);
  const std::vector<char*> environment = pointers_to(variables);

  Pipe failure = make_pipe();  // closed by exec, else holds errno
  const pid_t child = checked(::fork(), "fork");
  if (child == 0) {
    if (set_up(options, parent) && reset_signals()) {
      ::execvpe(arguments[0], arguments.data(), environment.data());
    }
    const int reason = errno;
    [[maybe_unused]] const ssize_t written =
        ::write(failure.write_end.get(), &reason, sizeof reason);
    ::_exit(127);
  }
  failure.write_end.close();
  int reason = 0;
  ssize_t size = 0;
  do {
    size = ::read(failure.read_end.get(), &reason, sizeof reason);
  } while (size < 0 && errno == EINTR);
  if (size == sizeof reason) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    cannot_start(options.arguments[0], reason);
  }
  return child;
}

void execute(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = arguments;
  ::execvp(words.at(0).c_str(), pointers_to(words).data());
  cannot_start(words[0], errno);
}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    end();
    process_ = std::exchange(other.process_, -1);
    status_ = other.status_;
  }
  return *this;
}

std::optional<ExitStatus> Child::poll() {
  if (!status_) reap(WNOHANG);
  return status_;
}

ExitStatus Child::wait() {
  while (!status_) reap(0);
  return *status_;
}

void Child::end() {
  if (process_ <= 0 || status_) return;
  ::kill(process_, SIGKILL);
  wait();
}

void Child::reap(int flags) {
  int status = 0;
  const pid_t ended = process_ > 0 ? ::waitpid(process_, &status, flags) : -1;
  if (ended > 0) status_ = exit_status(status);
  // A child that somebody else reaped, or that never was, has no status to give.
  if (process_ <= 0 || (ended < 0 && errno == ECHILD)) status_ = ExitStatus{127, 0};
}

}  // namespace ringtrain
