// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_descriptor.hpp"

namespace ringtrain::launcher {

// A TCP port of all addresses of this machine that nobody else gets while the object lives, but
// that a program with SO_REUSEADDR, as every server sets it, can bind and listen on: it is bound
// here with that option, and not listened on.
class HeldPort {
 public:
  // 0: any free one. Throws std::system_error for a port that is taken.
  explicit HeldPort(int port = 0);
  int port() const { return port_; }

 private:
  FileDescriptor socket_;
  int port_ = 0;
};

}  // namespace ringtrain::launcher
