// SPDX-License-Identifier: Apache-2.0
// A child process together with everything that it starts. Nothing of it outlives the Process
// object, nor this program, however that ends:
//
//   ringtrain ──── subreaper ──── mpirun ──── ranks
//
// The subreaper is a forked copy of this program that only waits. It is a session of its own, so
// Ctrl-C on the terminal reaches us alone, and ranks whose mpirun was killed become its children.
// When mpirun ends, or the socket to us closes because we were killed, it ends the rest of the
// tree, first with SIGTERM, then with SIGKILL. Should the subreaper itself be killed, mpirun gets
// SIGTERM (its parent-death signal), and we, a subreaper too, do the rest.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"

namespace ringtrain::launcher {

// One at a time. Requires: no other threads at construction, since it forks without exec.
class Process {
 public:
  // Starts `arguments[0]` (a path, or a name to look up in PATH) with `environment` beside ours;
  // its stdin is empty. Throws std::runtime_error "PROGRAM: cannot be started: why".
  explicit Process(const std::vector<std::string>& arguments, const Environment& environment = {});
  // Ends what is left.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Output of the tree; both close when no process of it holds them any more.
  FileDescriptor& standard_output() { return standard_output_; }
  FileDescriptor& standard_error() { return standard_error_; }

  // Becomes readable when the whole tree has ended, so that wait() does not block.
  int ended() const { return control_.get(); }

  // Signals the child alone, which decides. Ten seconds after SIGTERM, SIGINT or SIGHUP the tree is
  // killed.
  void send(int signal);
  // Kills every process of the tree, at once.
  void kill();

  // Blocks until the tree has ended. Returns the child's own status.
  ExitStatus wait();

  pid_t subreaper() const { return subreaper_.process(); }

 private:
  std::vector<pid_t> others_;  // below us before
  Child subreaper_;
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

// Returns the path of an executable file: `name` itself where it holds a '/', else from PATH; empty
// where there is none.
std::string find_program(const std::string& name);

}  // namespace ringtrain::launcher
