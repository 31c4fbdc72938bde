// SPDX-License-Identifier: Apache-2.0
// What supervision starts: ranks under one mpirun, and checks whether hosts answer. Tests simulate
// both.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/spawn.hpp"
#include "launcher/mpi/hostfile.hpp"
#include "launcher/mpi/worker_program.hpp"

namespace ringtrain::launcher {

// Takes the lines that ranks and mpirun write.
struct LineSink {
  std::function<void(const std::string& line)> standard_output;
  std::function<void(const std::string& line)> standard_error;
};

// The ranks of one attempt. The destructor ends what is left of them.
class Ranks {
 public:
  virtual ~Ranks() = default;

  struct Seen {
    bool output = false;  // lines on stdout: more may be on their way
    bool ended = false;   // all processes
  };
  // Waits for output, the end or a request to stop, but not longer than `at_most`.
  virtual Seen wait(std::chrono::milliseconds at_most, const LineSink& sink) = 0;
  // Blocks until all have ended, takes the rest of their output, and returns mpirun's status.
  virtual ExitStatus finish(const LineSink& sink) = 0;

  // Signals mpirun, which passes SIGUSR1 and SIGUSR2 on to the ranks.
  virtual void send(int signal) = 0;
  virtual void kill() = 0;
  // "; rank 1 is paused (SIGSTOP)" of ranks on this machine; empty where none is.
  virtual std::string paused() = 0;
};

// One round of questions to hosts, all at the same time; it does not block.
class HostCheck {
 public:
  virtual ~HostCheck() = default;
  // Takes up answers. Returns true once there is one from every host, within 10 seconds.
  virtual bool done() = 0;
  // Problems by host; empty: it answers. Complete when done() is true.
  virtual const std::map<std::string, std::string>& problems() const = 0;
};

class RankStarter {
 public:
  virtual ~RankStarter() = default;
  virtual std::unique_ptr<Ranks> start(const std::vector<Host>& hosts, StartFrom from) = 0;
  virtual std::unique_ptr<HostCheck> check(const std::vector<Host>& hosts) = 0;
};

}  // namespace ringtrain::launcher
