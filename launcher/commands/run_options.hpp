// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "launcher/commands/script_options.hpp"

namespace ringtrain::launcher {

// The command line of `ringtrain run`.
struct RunOptions {
  std::string job_file;  // or a script, its module or a program
  int ranks = 0;         // 0: one, or all slots of the hostfile
  std::string hostfile;
  std::string discover;
  int host_timeout = 60;    // seconds
  int start_timeout = 300;  // seconds
  std::vector<std::string> overrides;
  std::string run_dir;
  bool json = false;
  bool events = false;
  bool trace = false;
  std::string metrics;  // ADDRESS:PORT; empty: none
  bool tensorboard = false;
  ScriptOptions script = {};
  std::vector<std::string> given = {};  // the names of those that stand there, as "--set"
};

}  // namespace ringtrain::launcher
