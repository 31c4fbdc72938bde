// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>

#include "base/file_descriptor.hpp"

namespace ringtrain::launcher {

// SIGINT, SIGTERM and SIGHUP as a descriptor to poll, for as long as the object lives; a closed
// terminal or pipe does not end us meanwhile. One at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int descriptor() const { return descriptor_.get(); }
  // The next one, or 0.
  int take();

 private:
  sigset_t before_{};
  FileDescriptor descriptor_;
  void (*before_pipe_)(int) = SIG_DFL;
};

}  // namespace ringtrain::launcher
