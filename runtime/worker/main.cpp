// SPDX-License-Identifier: Apache-2.0
// ringtrain-worker: one rank. `ringtrain run` starts as many as needed; mpirun can, too:
//
//   mpirun -np 2 ringtrain-worker job.yaml
#include <malloc.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "base/stopwatch.hpp"
#include "runtime/checkpoint/signals.hpp"
#include "runtime/comm/world.hpp"
#include "runtime/models/torch_error.hpp"
#include "runtime/observe/reporter.hpp"
#include "runtime/worker/check_model.hpp"
#include "runtime/worker/job_run.hpp"
#include "runtime/worker/run_on_all_ranks.hpp"
#include "runtime/worker/versions.hpp"

namespace ringtrain {
namespace {

// A step's activations are freed and allocated again in every step. By default glibc returns such
// blocks to the kernel each time, and on small models the page faults cost more than the
// arithmetic.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

// A rank whose mpirun daemon is gone, even by SIGKILL, is of no use to the others and would wait
// for them forever.
void die_with_mpirun() {
  if (std::getenv("OMPI_COMM_WORLD_RANK") != nullptr) prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int run(const WorkerOptions& options) {
  const double started = seconds_now();
  listen_to_signals();
  die_with_mpirun();
  keep_freed_memory();
  const World world;
  const auto host = world.hosts()[static_cast<size_t>(world.rank())];
  const Reporter reporter(options.events, world.rank() != 0);
  const auto fail = [&](int code, const std::string& message, bool again) {
    reporter.failure({.exit_code = code,
                      .again = again,
                      .rank = world.rank(),
                      .host = host,
                      .message = message});
  };
  try {
    run_job(world, options, reporter, started);
    return 0;
  } catch (const SharedError& error) {
    const int code = exit_code_of(error);
    if (world.rank() == error.rank()) {
      fail(code, error.what(), kind_of(error) == ErrorKind::lost);
    }
    return code;
  } catch (const std::exception& error) {
    const int code = exit_code_of(error);
    fail(code, torch_cause(error), kind_of(error) == ErrorKind::lost);
    World::abort(code);
  }
}

int check(const WorkerOptions& options) {
  try {
    const std::string warning = check_model(options);
    if (!warning.empty()) complain("warning: " + warning);
    return 0;
  } catch (const std::exception& error) {
    complain(torch_cause(error));
    return exit_code_of(error);
  }
}

}  // namespace
}  // namespace ringtrain

int main(int argc, char** argv) {
  CLI::App app("One rank of a ringtrain job, started by `ringtrain run` or mpirun.",
               "ringtrain-worker");
  ringtrain::set_messages(app);
  ringtrain::WorkerOptions options;
  app.set_version_flag("--version", ringtrain::versions);
  app.add_option("job", options.job_file, "Job file")->required();
  app.add_option("--set", options.overrides, "Override a key of the job file: key=value")
      ->allow_extra_args(false);
  app.add_flag("--events", options.events, "Report progress as JSON lines, for `ringtrain run`");
  app.add_flag("--check-model", options.check_model,
               "Try the model on zeros, without training, for `ringtrain validate`");
  app.add_option("--expect-ranks", options.expected_ranks,
                 "Fail unless started with this number of ranks");
  app.add_option("--expect-hosts", options.expected_hosts, "Fail unless started on these hosts")
      ->delimiter(',');
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ringtrain::exit_code_of(app, error);
  }
  return options.check_model ? ringtrain::check(options) : ringtrain::run(options);
}
