// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "launcher/mpi/hostfile.hpp"

namespace ringtrain::launcher {

// Reads the output of a discovery script: a host a line, "node1", "node1:4" or "node1 slots=4".
// Hosts without a number have the slots of the `known` one of that name, or of the first of those.
// Throws a job error with `name` before what is wrong.
std::vector<Host> parse_discovered(const std::string& text, const std::string& name,
                                   const std::vector<Host>& known);

// The hosts that a run may use, as they change.
class HostSource {
 public:
  using List = std::function<std::vector<Host>()>;

  // A hostfile, or a program that prints the hosts of the moment, as the MPI operator's
  // discover_hosts.sh does; a hostfile has that beside it, if no other program is named. Both names
  // empty: this machine alone. Throws a job error for a bad hostfile.
  HostSource(std::string hostfile, std::string discover);
  // Whatever `list` returns at the time.
  explicit HostSource(List list) : list_(std::move(list)), hosts_(list_()) {}

  bool is_this_machine() const { return !list_; }
  bool can_change() const { return !is_this_machine(); }

  // Brings hosts() up to date. A list that cannot be read leaves them as they were, and is reported
  // by complaint() once.
  void look();
  const std::vector<Host>& hosts() const { return hosts_; }
  const std::string& complaint() const { return complaint_; }

 private:
  List list_;  // empty: this machine
  std::vector<Host> hosts_;
  std::string complaint_;
  std::string last_complaint_;
};

// Returns the hosts that a run may use: those of the hostfile or program, if one is named; else
// those of the Slurm job that this program runs in; else this machine. Throws as the constructor.
HostSource available_hosts(const std::string& hostfile, const std::string& discover);

}  // namespace ringtrain::launcher
