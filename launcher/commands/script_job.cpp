// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/script_job.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "job/paths.hpp"
#include "launcher/commands/run_folder.hpp"
#include "launcher/commands/run_script.hpp"
#include "launcher/commands/script_hosts.hpp"
#include "launcher/commands/script_run.hpp"
#include "launcher/terminal/event_relay.hpp"

namespace ringtrain::launcher {
namespace {

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
