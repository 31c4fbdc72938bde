// SPDX-License-Identifier: Apache-2.0
// The run of a script on all ranks, whether a command line (run_script.hpp) or a job file
// (script_job.hpp) asked for it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/process/stop_signals.hpp"
#include "launcher/script/newest_file.hpp"
#include "launcher/script/rank_spec.hpp"
#include "launcher/supervise/supervise.hpp"
#include "launcher/terminal/event_relay.hpp"

namespace ringtrain::launcher {

struct ScriptPlan {
  ScriptSpec script;
  bool is_program = false;         // runs without Python, whatever its name ends in
  std::string python_option = {};  // by which the user names another Python
  RankSpec ranks = {};             // how ranks show and write their output, their port
  Supervision supervision;         // hosts, ranks, restarts
};

// Everything that is known of a run before its folder is made: mistakes of the user are found here.
class ScriptRun {
 public:
  // Finds mpirun and Python, and where all ranks are on this machine the script. Throws a job
  // error.
  explicit ScriptRun(ScriptPlan plan);
  ScriptRun(const ScriptRun&) = delete;
  ScriptRun& operator=(const ScriptRun&) = delete;

  // Whether all ranks are on this machine.
  bool is_local() const { return is_local_; }

  // Starts the ranks, again after losses, until they have ended. `folder`: of the run, for the
  // ranks' own files, and for logs unless the plan has another place for them.
  RunEnd supervise(const std::filesystem::path& folder, std::vector<EventRelay> relays,
                   StopSignals& stop);

 private:
  void set_folder(const std::filesystem::path& folder);

  ScriptPlan plan_;
  bool is_local_;
  std::vector<std::string> program_;
  Mpirun mpirun_;
  NewestFile checkpoints_;
};

}  // namespace ringtrain::launcher
