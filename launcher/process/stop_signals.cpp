// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/stop_signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

namespace ringtrain::launcher {

StopSignals::StopSignals() {
  sigset_t stop;
  sigemptyset(&stop);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&stop, signal);
  checked(::sigprocmask(SIG_BLOCK, &stop, &before_), "sigprocmask");
  descriptor_ =
      FileDescriptor(checked(::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd"));
  before_pipe_ = ::signal(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() {
  ::signal(SIGPIPE, before_pipe_);
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int StopSignals::take() {
  signalfd_siginfo info{};
  return ::read(descriptor_.get(), &info, sizeof info) == sizeof info
             ? static_cast<int>(info.ssi_signo)
             : 0;
}

}  // namespace ringtrain::launcher
