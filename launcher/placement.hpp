// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "launcher/hostfile.hpp"
#include "launcher/mpirun.hpp"

namespace ringtrain::launcher {

// Where ranks go: on the hosts of a hostfile (0 ranks: on all its slots), or without one on this
// machine (0 ranks: a single one). Throws JobError where the hostfile is not good, or too small.
RankLayout lay_out_ranks(const std::string& hostfile, int ranks);

// A file with just the given hosts, for mpirun; removed with the object.
class TemporaryHostfile {
 public:
  explicit TemporaryHostfile(const std::vector<Host>& hosts);
  ~TemporaryHostfile();
  TemporaryHostfile(const TemporaryHostfile&) = delete;
  TemporaryHostfile& operator=(const TemporaryHostfile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace ringtrain::launcher
