// SPDX-License-Identifier: Apache-2.0
// Child processes: the one place of the project that forks.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ringtrain {

using Environment = std::vector<std::pair<std::string, std::string>>;

struct ExitStatus {
  int code = 0;    // of a process that ended by itself
  int signal = 0;  // that ended it, or 0
  bool success() const { return code == 0 && signal == 0; }
  // The code that a shell reports: 128 + N after signal N.
  int shell_code() const { return signal != 0 ? 128 + signal : code; }
};

// Decodes a status of waitpid().
ExitStatus exit_status(int wait_status);

// Standard streams of a child, besides descriptors that it is given.
inline constexpr int kInherit = -1;
inline constexpr int kDevNull = -2;

struct SpawnOptions {
  // The program, a path or a name to look up in PATH, and its arguments. It starts with all signals
  // unblocked and SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD and SIGQUIT at their defaults.
  std::vector<std::string> arguments = {};
  // Runs in a forked copy of this program instead; its result is the exit code.
  // Requires: this process has no other threads.
  std::function<int()> body = {};
  Environment environment = {};  // beside ours, and before it
  int standard_input = kDevNull;
  int standard_output = kInherit;
  int standard_error = kInherit;
  bool own_group = false;  // Ctrl-C on the terminal does not reach the child
  int death_signal = 0;    // sent to the child when the calling thread ends; 0: none
};

// Starts a child and returns its process number; the caller reaps it.
// Throws std::system_error "PROGRAM: cannot be started: No such file or directory".
pid_t spawn(const SpawnOptions& options);

// Replaces this program. Throws as spawn().
[[noreturn]] void execute(const std::vector<std::string>& arguments);

// A child that does not outlive its owner: the destructor kills and reaps it.
class Child {
 public:
  Child() = default;
  explicit Child(const SpawnOptions& options) : process_(spawn(options)) {}
  Child(Child&& other) noexcept
      : process_(std::exchange(other.process_, -1)), status_(other.status_) {}
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { end(); }

  pid_t process() const { return process_; }
  // Returns the status of a child that has ended.
  std::optional<ExitStatus> poll();
  // Blocks until the child has ended.
  ExitStatus wait();

 private:
  void end();
  void reap(int flags);

  pid_t process_ = -1;
  std::optional<ExitStatus> status_;
};

}  // namespace ringtrain
