// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/run_script.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <exception>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "base/whole_number.hpp"
#include "launcher/commands/script_hosts.hpp"
#include "launcher/commands/script_run.hpp"
#include "launcher/process/stop_signals.hpp"
#include "launcher/supervise/run_record.hpp"
#include "launcher/terminal/event_relay.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

// Makes "runs/train-20261127-234502", or with a number behind it where that is there already.
fs::path make_run_folder(const RunOptions& options) {
  if (!options.run_dir.empty()) return options.run_dir;
  const std::string name = options.script.module
                               ? options.job_file.substr(options.job_file.rfind('.') + 1)
                               : fs::path(options.job_file).stem().string();
  const std::string base =
      fmt::format("{}-{:%Y%m%d-%H%M%S}", name, fmt::localtime(std::time(nullptr)));
  std::error_code error;
  fs::create_directories("runs", error);
  for (int number = 1; !error; ++number) {
    const fs::path folder =
        fs::path("runs") / (number == 1 ? base : fmt::format("{}-{}", base, number));
    if (fs::create_directory(folder, error)) return folder;
  }
  throw job_error(
      fmt::format("runs: cannot be made here: {}: choose a folder by --run-dir", error.message()));
}

std::vector<int> local_ranks(const std::string& text) {
  std::vector<int> ranks;
  std::istringstream entries(text);
  std::string entry;
  while (std::getline(entries, entry, ',')) {
    const auto rank = whole_number(entry);
    if (!rank) {
      throw job_error(fmt::format("--local-ranks-filter {}: must be local ranks, as in 0,1", text));
    }
    ranks.push_back(*rank);
  }
  return ranks;
}

ScriptPlan plan_of(const RunOptions& options) {
  const ScriptOptions& script = options.script;
  ScriptPlan plan{
      .script = {.kind = script.module ? ScriptSpec::Kind::module : ScriptSpec::Kind::file,
                 .target = options.job_file,
                 .args = script.arguments,
                 .python = script.python,
                 .directory = {},
                 .env = {},
                 .checkpoint = script.checkpoint,
                 .restart_failures = script.max_restarts >= 0,
                 .silence_seconds = script.silence,
                 .hang_timeout_seconds = script.hang_timeout},
      .is_program = script.no_python,
      .python_option = "--python",
      .ranks = ranks_of(script),
      .supervision = plan_script(options)};
  if (script.max_restarts >= 0) plan.supervision.restarts = script.max_restarts;
  return plan;
}

}  // namespace

RankSpec ranks_of(const ScriptOptions& script) {
  RankSpec ranks;
  ranks.master_port = script.master_port;
  ranks.fixed_port = script.master_port != 0;
  ranks.run_id = script.run_id;
  ranks.log_folder = script.log_dir;
  ranks.tee = script.tee;
  ranks.redirects = script.redirects;
  ranks.shown = local_ranks(script.local_ranks_filter);
  return ranks;
}

int run_script(const RunOptions& options) {
  StopSignals stop;  // before any start: a signal in between must not leave processes behind
  ScriptRun run(plan_of(options));
  const fs::path folder = make_run_folder(options);
  RunRecord record(folder, options.run_dir.empty() ? "runs" : "--run-dir");
  RunEnd end;
  try {
    std::vector<EventRelay> relays;
    if (options.events) relays.emplace_back(STDOUT_FILENO, EventRelay::For::log);
    relays.emplace_back(record.events(), EventRelay::For::file);
    end = run.supervise(folder, std::move(relays), stop);
  } catch (const std::exception& error) {
    record.finish(
        {.status = RunStatus::failed, .exit_code = exit_code_of(error), .cause = error.what()});
    throw;
  }
  record.finish(end.outcome);
  if (*end.outcome.exit_code != 0) {
    if (!end.log.empty()) complain("its output: " + end.log);
    complain(fmt::format("{}: {}", options.job_file, end.outcome.cause));
  }
  return *end.outcome.exit_code;
}

}  // namespace ringtrain::launcher
