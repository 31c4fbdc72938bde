// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "launcher/mpi/hostfile.hpp"
#include "launcher/mpi/mpirun.hpp"

namespace ringtrain::launcher {

// Where ranks go: on the hosts of a hostfile (0 ranks: on all its slots), or without one on this
// machine (0 ranks: a single one). Throws a job error where the hostfile is not good, or too small.
RankLayout lay_out_ranks(const std::string& hostfile, int ranks);

// The same for hosts that were chosen already.
RankLayout lay_out_on(std::vector<Host> hosts);

// A file with just the given hosts, for mpirun. It lies in memory, and so is gone with us however
// we end; its path is good for programs that start while the object lives.
class TemporaryHostfile {
 public:
  explicit TemporaryHostfile(const std::vector<Host>& hosts);
  TemporaryHostfile(const TemporaryHostfile&) = delete;
  TemporaryHostfile& operator=(const TemporaryHostfile&) = delete;

  const std::string& path() const { return path_; }

 private:
  FileDescriptor file_;
  std::string path_;
};

}  // namespace ringtrain::launcher
