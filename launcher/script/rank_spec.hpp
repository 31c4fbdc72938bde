// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// A choice of standard streams for each local rank, in torchrun's spelling: 0 none, 1 stdout,
// 2 stderr, 3 both; for all ranks, or as "0:3,1:0".
class Streams {
 public:
  Streams() = default;
  // Throws a job error that begins with `option`.
  Streams(const std::string& text, const std::string& option);
  bool has(int local_rank, bool error) const;

 private:
  int all_ = 0;
  std::map<int, int> by_local_rank_;
};

// Everything that the process around a rank needs to know, on every host the same.
struct RankSpec {
  std::string master_address;
  int master_port = 0;
  bool fixed_port = false;              // by the user: another attempt would find it taken as well
  std::vector<std::string> hosts = {};  // names, in the order of the ranks
  std::vector<int> slots;               // ranks of each host
  int max_restarts = 0;
  bool restart_failures = false;  // exceptions and exit codes, too
  std::string run_id;
  std::string log_folder;       // an absolute path
  std::string tee = "0";        // Streams
  std::string redirects = "0";  // Streams
  std::vector<int> shown = {};  // local ranks that the terminal shows; empty: as documented
  double silence = 25;          // seconds until a rank counts as silent
  std::string directory = {};   // working directory, an absolute path; empty: as started
  std::string output = {};      // an absolute path
  std::map<std::string, std::string> environment = {};  // of the job
  bool operator==(const RankSpec&) const = default;
};

// One argument of a command line.
std::string print_rank_spec(const RankSpec& spec);
// Throws std::runtime_error.
RankSpec parse_rank_spec(const std::string& text);

}  // namespace ringtrain::launcher
