// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "launcher/mpi/hostfile.hpp"

namespace ringtrain::launcher {

// From what a discovery script prints: a host a line, "node1", "node1:4" or "node1 slots=4". Hosts
// without a number have the slots of `known` ones of that name, or of the first of those. Throws
// a job error with `name` before what is wrong.
std::vector<Host> parse_discovered(const std::string& text, const std::string& name,
                                   const std::vector<Host>& known);

// The hosts that a run may use, as they change: a hostfile, or a program that prints those that are
// there now, as the MPI operator's discover_hosts.sh does.
class HostSource {
 public:
  // Empty names: this machine alone. A hostfile has its discover_hosts.sh beside it, if no other
  // program is named. Throws a job error where the hostfile is not good.
  HostSource(std::string hostfile, std::string discover);

  bool is_this_machine() const { return hostfile_.empty() && discover_.empty(); }
  bool can_change() const { return !is_this_machine(); }

  // As they are now. What cannot be read or run leaves them as they were and is told in
  // `complaint`, once.
  const std::vector<Host>& look();
  const std::vector<Host>& hosts() const { return hosts_; }
  const std::string& complaint() const { return complaint_; }

 private:
  std::vector<Host> discovered() const;

  std::string hostfile_;
  std::string discover_;
  std::vector<Host> hosts_;
  std::string complaint_;
  std::string complained_;
};

}  // namespace ringtrain::launcher
