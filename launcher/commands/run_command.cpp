// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/run_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "base/url.hpp"
#include "job/flight_file.hpp"
#include "job/outcome_file.hpp"
#include "job/parse.hpp"
#include "job/paths.hpp"
#include "job/result_file.hpp"
#include "job/task.hpp"
#include "launcher/commands/run_options.hpp"
#include "launcher/commands/run_script.hpp"
#include "launcher/commands/run_summary.hpp"
#include "launcher/commands/script_hosts.hpp"
#include "launcher/commands/tracking.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/mpi/slurm.hpp"
#include "launcher/mpi/worker_program.hpp"
#include "launcher/process/stop_signals.hpp"
#include "launcher/supervise/host_source.hpp"
#include "launcher/supervise/mpirun_starter.hpp"
#include "launcher/supervise/run_folder.hpp"
#include "launcher/supervise/run_record.hpp"
#include "launcher/supervise/supervise.hpp"
#include "launcher/supervise/system_clock.hpp"
#include "launcher/terminal/event_relay.hpp"
#include "launcher/terminal/run_display.hpp"
#include "storage/output_mirror.hpp"

namespace ringtrain::launcher {
namespace {

Supervision plan_run(const RunOptions& options, const JobSpec& job) {
  check_ranks(job, options.ranks);
  Supervision run{.hosts = available_hosts(options.hostfile, options.discover)};
  run.ranks = options.ranks;
  run.workers = job.workers;
  if (options.ranks > 0) {
    run.workers = {.min = std::min(run.workers.min, options.ranks), .max = options.ranks};
  }
  // Every rank needs a sample of each batch.
  if (run.workers.max > job.batch_size) run.workers.max = static_cast<int>(job.batch_size);
  run.restarts = job.restarts;
  run.batch_size = job.batch_size;
  run.host_timeout = std::chrono::seconds(options.host_timeout);
  run.start_timeout = std::chrono::seconds(options.start_timeout);
  // Without discovery there will never be more slots than now.
  require_slots(options, run.hosts);
  return run;
}

void note_crowding(const RunOptions& options, const Supervision& supervision) {
  const int ranks = options.ranks > 0 ? options.ranks : total_slots(supervision.hosts.hosts());
  const std::string note = crowding_note(ranks, this_machine_cores());
  if (!note.empty()) complain(note);
}

// Opens the run's record in the job's output unless it has one elsewhere.
RunEnd supervise_on_terminal(const RunOptions& options, const JobSpec& job, StopSignals& stop,
                             std::optional<RunRecord>& record,
                             std::shared_ptr<tracking::Tracker>& tracker) {
  const Supervision supervision = plan_run(options, job);
  const WorkerJob worker_job{find_worker(), options.job_file, options.overrides};
  const Mpirun mpirun = find_mpirun();
  // Other hosts may see other disks; there rank 0 checks the paths.
  if (all_are_this_machine(supervision.hosts.hosts())) {
    check_paths(job);
    note_crowding(options, supervision);
  }
  const bool sees_output = has_output(job.output, supervision.hosts);
  open_record(record, job.output, supervision.hosts);
  tracker = start_tracker(options, job, record ? &*record : nullptr, sees_output);
  std::vector<EventRelay> relays;
  if (options.events) relays.emplace_back(STDOUT_FILENO, EventRelay::For::log);
  if (record) relays.emplace_back(record->events(), EventRelay::For::file);
  if (tracker) relays.emplace_back(events_of(*tracker), EventRelay::For::file);
  SystemClock clock(stop);
  MpirunStarter starter(
      mpirun,
      [&](const RankLayout& layout, StartFrom from) {
        return worker_command(worker_job, layout, from);
      },
      stop);
  RunDisplay display(options.json, std::move(relays));
  return supervise(supervision, starter, clock, display);
}

// The places that keep or send the outcome of a run.
struct Records {
  std::optional<RunRecord> run;
  std::shared_ptr<tracking::Tracker> tracker;  // null without one
  const Time started = std::chrono::system_clock::now();

  void finish(const JobSpec& job, const Outcome& outcome) {
    try {
      if (run) run->finish(outcome);
    } catch (const Error& error) {
      complain(fmt::format("warning: {}", error.what()));
    }
    if (tracker) finish_tracker(*tracker, job, outcome, started);
  }
};

// Runs the job of the options, which `job` is set to, and records how that ended.
RunEnd run_recorded(const RunOptions& options, JobSpec& job) {
  StopSignals stop;  // before any start: a signal in between must not leave processes behind
  Records records;
  if (!options.run_dir.empty()) records.run.emplace(options.run_dir, "--run-dir");
  try {
    std::vector<std::string> notes;
    job = parse_job(options.job_file, options.overrides, &notes);
    for (const std::string& note : notes) complain("warning: " + note);
    // The launcher's own files stay here; rank 0 works there, too, if it is on this machine.
    if (is_url(job.output)) job.output = storage::local_output(job.output.string());
    refuse_options(options.given, job.script ? RunKind::script_job : RunKind::training);
    RunEnd end = job.script
                     ? run_script_job(options, job, stop, records.run)
                     : supervise_on_terminal(options, job, stop, records.run, records.tracker);
    records.finish(job, end.outcome);
    return end;
  } catch (const std::exception& error) {
    records.finish(
        job,
        {.status = RunStatus::failed, .exit_code = exit_code_of(error), .cause = error.what()});
    throw;
  }
}

int report_script(const JobSpec& job, const RunEnd& end) {
  const int exit_code = *end.outcome.exit_code;
  if (exit_code != 0) {
    if (!end.log.empty()) complain("its output: " + end.log);
    complain(fmt::format("{}: {}", job.name, end.outcome.cause));
  }
  return exit_code;
}

int run(RunOptions options) {
  if (options.trace) options.overrides.emplace_back("trace=true");
  // Checkpoints of the same Slurm job are its own work, whatever the job file says of earlier runs.
  if (slurm_restarts() > 0) options.overrides.emplace_back("checkpoint.resume=auto");
  const auto started = std::chrono::system_clock::now().time_since_epoch();
  JobSpec job;
  const RunEnd end = run_recorded(options, job);
  const int exit_code = *end.outcome.exit_code;
  if (job.script) return report_script(job, end);
  if (exit_code != 0) {
    const std::string behind =
        exit_code == 4 ? who_is_behind(job.output, std::chrono::duration<double>(started).count())
                       : "";
    if (!behind.empty()) complain(behind);
    complain(fmt::format("{}: {}", job.name, end.outcome.cause));
    requeue_if_asked(end.outcome);
    return exit_code;
  }
  if (options.json) {
    fmt::print("{}", print_result(*end.result));
  } else {
    fmt::print("{}", run_summary(*end.result, options, job, find_next_programs(*end.result)));
  }
  return 0;
}

}  // namespace

void add_run_command(CLI::App& app, std::vector<std::string>& words, int& exit_code) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* const command = app.add_subcommand(
      "run",
      "Train a model, or run a PyTorch script, on this machine or on the hosts of a hostfile");
  command->add_option("job", options->job_file, "A job file, or a script and its arguments")
      ->required()
      ->type_name("JOB.yaml | SCRIPT ...");
  command
      ->add_option(
          "-n,--ranks", options->ranks,
          "Ranks to start (default: 1, or all slots of the hostfile or tasks of the Slurm job)")
      ->check(CLI::Range(1, 65536))
      ->type_name("N");
  command->add_option("--hostfile", options->hostfile, "Hosts, a line 'host slots=N' each")
      ->type_name("FILE");
  command
      ->add_option("--discover", options->discover,
                   "Program that prints the hosts available now (default: discover_hosts.sh beside "
                   "the hostfile, if there is one)")
      ->type_name("PROGRAM");
  command
      ->add_option("--host-timeout", options->host_timeout,
                   "How long to wait for hosts that do not answer (default: 60)")
      ->check(CLI::Range(1, 86400))
      ->type_name("SECONDS");
  command
      ->add_option(
          "--start-timeout", options->start_timeout,
          "How long ranks may take to their first step before they count as hung (default: 300)")
      ->check(CLI::Range(1, 86400))
      ->type_name("SECONDS");
  command->add_option("--set", options->overrides, "Override a key of the job; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command
      ->add_option("--run-dir", options->run_dir,
                   "Folder for outcome.json, which says how the run ended, and events.jsonl "
                   "(default: the job's output, where this machine has it)")
      ->type_name("DIR");
  command->add_flag("--json", options->json,
                    "Print result.json on stdout, everything else on stderr");
  command->add_flag("--events", options->events,
                    "Print events on stdout as well, for programs that read the log: 0x1e and a "
                    "JSON object a line");
  command->add_flag("--trace", options->trace, "Write trace.json, like --set trace=true");
  command
      ->add_option("--metrics", options->metrics,
                   "Serve the run's figures to Prometheus at http://ADDRESS:PORT/metrics, as "
                   "127.0.0.1:9464, to everybody who reaches the address")
      ->type_name("ADDRESS:PORT");
  command->add_flag("--tensorboard", options->tensorboard,
                    "Write event files for TensorBoard to the folder tensorboard of the output");
  add_script_options(*command, options->script);
  command->footer(
      "Options stand before a script; all words behind it are its own, or where a -- follows it, "
      "all behind that. A job file with the key script runs one, too.\n\nExit codes: 0 trained, "
      "2 bad job or option, 3 bad data, 4 training failed or ranks lost, 128+N stopped by signal "
      "N; else that of the script.");
  options->script.arguments = take_script_arguments(*command, words);
  command->callback([command, options, &exit_code] {
    const ScriptOptions& script = options->script;
    const bool runs_script = script.module || script.no_python || is_script(options->job_file);
    options->given = given_options(*command);
    if (runs_script) refuse_options(options->given, RunKind::script);
    exit_code = runs_script ? run_script(*options) : run(*options);
  });
}

}  // namespace ringtrain::launcher
