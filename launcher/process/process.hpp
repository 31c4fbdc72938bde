// SPDX-License-Identifier: Apache-2.0
// A child process together with everything that it starts. Nothing of it outlives the Process
// object, nor this program, however that ends:
//
//   ringtrain ──── keeper ──── mpirun ──── ranks
//
// The keeper is a forked copy of this program that only waits. It is a session of its own, so
// Ctrl-C on the terminal reaches us alone, and a child subreaper: ranks whose mpirun was killed
// become its children. When mpirun ends, or the socket to us closes because we were killed, it ends
// what is left of the tree, first with SIGTERM, then with SIGKILL. Should the keeper itself be
// killed, mpirun gets SIGTERM (its parent-death signal), and we, a subreaper too, do the rest.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/file_descriptor.hpp"

namespace ringtrain::launcher {

// For exec: a null pointer comes last. Good while the words live and do not change.
std::vector<char*> pointers_to(std::vector<std::string>& words);

struct ExitStatus {
  int code = 0;    // of a process that ended by itself
  int signal = 0;  // that ended it, or 0
  bool success() const { return code == 0 && signal == 0; }
};

using Environment = std::vector<std::pair<std::string, std::string>>;

// One at a time, and not for programs with threads at the time of construction: it forks without
// exec.
class Process {
 public:
  // Starts `arguments[0]` (a path, or a name to look up in PATH) with our environment and
  // `environment` besides; its stdin is empty. Throws std::runtime_error where it cannot be
  // started.
  explicit Process(const std::vector<std::string>& arguments, const Environment& environment = {});
  // Ends what is left.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // What the child writes; both come to their end when no process of the tree holds them any more.
  FileDescriptor& standard_output() { return standard_output_; }
  FileDescriptor& standard_error() { return standard_error_; }

  // Becomes readable when the whole tree has ended, so that wait() does not block.
  int ended() const { return control_.get(); }

  // To the child alone, which decides. Ten seconds after SIGTERM, SIGINT or SIGHUP the tree is
  // killed.
  void send(int signal);
  // To every process of the tree, at once.
  void kill();

  // Blocks until the tree has ended. Gives the child's own status.
  ExitStatus wait();

  pid_t keeper() const { return keeper_; }

 private:
  pid_t keeper_ = -1;
  FileDescriptor control_;
  FileDescriptor standard_output_;
  FileDescriptor standard_error_;
  bool has_ended_ = false;
  ExitStatus status_;
};

struct Captured {
  ExitStatus status;
  std::string standard_output;
  std::string standard_error;
  bool timed_out = false;
};

// Runs a program to its end, at most `limit` long, and keeps at most 1 MiB of each stream.
Captured capture(const std::vector<std::string>& arguments, std::chrono::milliseconds limit,
                 const Environment& environment = {});

// The path of an executable file: `name` itself where it holds a '/', else from PATH. Empty: none.
std::string find_program(const std::string& name);

}  // namespace ringtrain::launcher
