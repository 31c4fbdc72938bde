// SPDX-License-Identifier: Apache-2.0
// Open MPI's hostfile: one host a line, "node1 slots=4", and # comments. A line without slots
// counts as one slot; a host that is listed twice has the slots of both lines. All names of this
// machine (localhost, 127.0.0.1, its own) are one host, under the first of them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ringtrain::launcher {

struct Host {
  std::string name;
  int slots = 1;
  bool operator==(const Host&) const = default;
};

// Parses a hostfile. Throws a job error "hosts:3: what is wrong".
std::vector<Host> parse_hostfile(const std::string& text, const std::string& name);
std::vector<Host> read_hostfile(const std::filesystem::path& file);

int total_slots(const std::vector<Host>& hosts);

// Returns the first hosts with just the slots that `ranks` ranks fill. Throws a job error for too
// few slots.
std::vector<Host> first_slots(const std::vector<Host>& hosts, int ranks);

// Returns the text of a hostfile for mpirun.
std::string print_hostfile(const std::vector<Host>& hosts);

// Whether the name means this machine: no ssh is needed, and its files are ours.
bool is_this_machine(const std::string& host);
bool all_are_this_machine(const std::vector<Host>& hosts);

}  // namespace ringtrain::launcher
