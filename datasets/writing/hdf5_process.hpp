// SPDX-License-Identifier: Apache-2.0
// Foreign HDF5 files are read by libhdf5 in a process of their own, which they may crash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"

namespace ringtrain::datasets {

// A child that reads a file, and the pipe on which it says what it found. The file may have taken
// over the child: the owner checks what it says.
class Hdf5Process {
 public:
  // Starts the child, in which `work` writes to the descriptor `out` and returns the exit code.
  // name: of what is read, in messages. memory: bytes that libhdf5 may allocate at most.
  // Requires: this process has no other threads. Throws a data error.
  Hdf5Process(std::string name, uint64_t memory, const std::function<int(int out)>& work);

  // Returns false where the child has written less.
  bool read(void* data, size_t size);
  // Waits for the child, which writes no more or is stopped by the closed pipe.
  ExitStatus end();
  // Ends the child. Throws a data error that says what its end means.
  [[noreturn]] void damaged();

 private:
  std::string name_;
  Child child_;
  FileDescriptor in_;
};

}  // namespace ringtrain::datasets
