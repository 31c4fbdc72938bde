// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/run_script.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
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
#include "job/paths.hpp"
#include "launcher/commands/script_hosts.hpp"
#include "launcher/commands/script_run.hpp"
#include "launcher/supervise/run_folder.hpp"
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

ScriptPlan plan_of(const RunOptions& options, const JobSpec& job) {
  ScriptPlan plan{.script = *job.script,
                  .python_option = "--set script.python=PROGRAM",
                  .ranks = ranks_of(options.script),
                  .supervision = plan_script(options)};
  Supervision& run = plan.supervision;
  run.restarts = job.restarts;
  if (run.workers == WorkersSpec{}) {
    run.workers = job.workers;
    if (options.ranks > 0) {
      run.workers = {.min = std::min(job.workers.min, options.ranks), .max = options.ranks};
    }
  }
  return plan;
}

}  // namespace

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
    requeue_if_asked(end.outcome);
  }
  return *end.outcome.exit_code;
}

RunEnd run_script_job(const RunOptions& options, const JobSpec& job, StopSignals& stop,
                      std::optional<RunRecord>& record) {
  ScriptPlan plan = plan_of(options, job);
  const HostSource hosts = plan.supervision.hosts;
  // Other hosts may see other disks.
  if (all_are_this_machine(hosts.hosts())) check_paths(job);
  ScriptRun run(std::move(plan));
  open_record(record, job.output, hosts);
  std::vector<EventRelay> relays;
  if (options.events) relays.emplace_back(STDOUT_FILENO, EventRelay::For::log);
  if (record) relays.emplace_back(record->events(), EventRelay::For::file);
  return run.supervise(job.output, std::move(relays), stop);
}

}  // namespace ringtrain::launcher
