// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// Group of the options below in the help of `ringtrain run`.
inline constexpr const char* kScriptGroup = "Options for scripts";

// Options of `ringtrain run` for scripts alone, in torchrun's spelling where it has them.
struct ScriptOptions {
  bool module = false;
  bool no_python = false;
  std::string python;
  std::string nproc_per_node;  // a number, or auto, cpu, gpu
  std::string nnodes;          // "2" or "1:4"
  int max_restarts = -1;       // -1: 3, and exceptions are not restarted
  bool standalone = false;
  std::string log_dir;
  std::string tee = "0";
  std::string redirects = "0";
  std::string local_ranks_filter;
  int master_port = 0;
  std::string run_id;
  std::string checkpoint;  // a pattern of file names
  int hang_timeout = 0;    // seconds; 0: none
  double silence = 25;     // seconds
  // Beyond CLI11, which changes some words: the script's own arguments.
  std::vector<std::string> arguments;
};

// Adds them to `ringtrain run`.
void add_script_options(CLI::App& run, ScriptOptions& options);

// Takes the arguments of a script off the words after `ringtrain`, where they run one: all behind
// the script, or where a "--" follows it, all behind that. `words` are then for CLI11. Requires:
// all options have been added to `run`.
std::vector<std::string> take_script_arguments(const CLI::App& run,
                                               std::vector<std::string>& words);

// Whether `ringtrain run TARGET` runs a script or a program: a name that ends in .py, or an
// executable file that is no .yaml or .json. Throws a job error for a script that is not
// executable.
bool is_script(const std::string& target);

enum class RunKind {
  script,      // named on the command line
  training,    // by a job file
  script_job,  // a script, by a job file
};

// Returns the long names of the options on a command line.
std::vector<std::string> given_options(const CLI::App& command);

// Throws a job error for the first of these options that is not for this kind of run.
void refuse_options(const std::vector<std::string>& given, RunKind kind);

}  // namespace ringtrain::launcher
