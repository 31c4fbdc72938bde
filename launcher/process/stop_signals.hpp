// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>

#include "base/file_descriptor.hpp"

namespace ringtrain::launcher {

// Turns SIGINT, SIGTERM, SIGHUP and SIGUSR1 into a descriptor to poll while the object lives;
// writing to a closed terminal or pipe does not end the process meanwhile. One at a time. Slurm
// sends SIGUSR1 before a job's time limit, where it is asked to.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int descriptor() const { return descriptor_.get(); }
  // Returns the next signal, or 0.
  int take();

 private:
  sigset_t before_{};
  FileDescriptor descriptor_;
  void (*before_pipe_)(int) = SIG_DFL;
};

}  // namespace ringtrain::launcher
