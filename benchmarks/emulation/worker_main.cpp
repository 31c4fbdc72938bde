// SPDX-License-Identifier: Apache-2.0
// ringtrain-emulated-worker: stands for ringtrain-worker under `ringtrain run`, with steps whose
// computation is slept through. Launch, messages, events and checkpoints' places are real; there is
// no model and no data. Needs no torch.
//
//   RINGTRAIN_WORKER=build/cpu/bin/ringtrain-emulated-worker RINGTRAIN_EMULATED_JOB=steps.json
//     ringtrain run job.yaml -n 64
#include <fmt/format.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/stopwatch.hpp"
#include "benchmarks/emulation/emulated_rank.hpp"
#include "job/parse.hpp"
#include "runtime/observe/reporter.hpp"

namespace ringtrain::benchmarks {
namespace {

struct WorkerOptions {
  std::string job_file;
  std::vector<std::string> overrides;
  bool events = false;
  int expected_ranks = 0;
  std::vector<std::string> expected_hosts;
};

bool is_lost(const std::exception& error) {
  const auto* own = dynamic_cast<const Error*>(&error);
  return own == nullptr || own->kind() == ErrorKind::lost;
}

EmulatedJob emulated_job() {
  const char* const file = std::getenv("RINGTRAIN_EMULATED_JOB");
  if (file == nullptr) {
    throw job_error("RINGTRAIN_EMULATED_JOB: name a file with the JSON of an emulated job");
  }
  return read_emulated_job(read_file(file, 1 << 20));
}

// A checkpoint is the number of its step.
class Checkpoints {
 public:
  explicit Checkpoints(const JobSpec& job)
      : folder_(std::filesystem::path(job.output) / "checkpoints"), file_(folder_ / "step") {}

  int64_t newest(const JobSpec& job) const {
    if (job.checkpoint.resume == "never" || !std::filesystem::exists(file_)) return 0;
    return std::atoll(read_file(file_.string(), 64).c_str());
  }
  void write(int64_t step, const Reporter& reporter) const {
    std::filesystem::create_directories(folder_);
    write_file(file_, std::to_string(step));
    reporter.event(CheckpointEvent{.step = step, .path = file_.string()}, "");
  }

 private:
  std::filesystem::path folder_, file_;
};

void train(const World& world, const JobSpec& job, const EmulatedJob& emulated,
           const Reporter& reporter, double started) {
  const Checkpoints checkpoints(job);
  const int64_t first =
      std::atoll(world.broadcast(std::to_string(checkpoints.newest(job))).c_str());
  const int64_t last = job.max_steps.value_or(emulated.steps);
  std::vector<RankPlacement> placement;
  for (int rank = 0; rank < world.size(); ++rank) {
    placement.push_back({rank, world.hosts()[static_cast<size_t>(rank)], "emulated"});
  }
  {
    EmulatedRank rank(world, emulated);
    reporter.event(StartedEvent{.placement = placement,
                                .world_size = world.size(),
                                .from_step = first,
                                .steps = last,
                                .epochs = 1,
                                .communication = "emulated computation",
                                .startup_seconds = seconds_now() - started},
                   "started");
    for (int64_t step = first + 1; step <= last; ++step) {
      rank.step(step);
      reporter.event(StepEvent{.epochs = 1, .step = step, .steps = last}, "");
      const int64_t every = job.checkpoint.every_steps;
      if (world.rank() == 0 && every > 0 && step % every == 0) checkpoints.write(step, reporter);
    }
  }
  Result result;
  result.name = job.name;
  result.status = "finished";
  result.ranks = world.size();
  result.steps = last;
  result.epochs = 1;
  reporter.event(ResultEvent{result}, "finished");
}

int run(const WorkerOptions& options) {
  const double started = seconds_now();
  // As ringtrain-worker: a rank without its mpirun is of no use.
  if (std::getenv("OMPI_COMM_WORLD_RANK") != nullptr) prctl(PR_SET_PDEATHSIG, SIGKILL);
  const EmulatedJob emulated = emulated_job();
  const World world;
  const Reporter reporter(options.events, world.rank() != 0);
  try {
    prove_placement(world, options.expected_ranks, options.expected_hosts);
    train(world, parse_job(options.job_file, options.overrides), emulated, reporter, started);
    return 0;
  } catch (const std::exception& error) {
    const int code = exit_code_of(error);
    reporter.failure({.exit_code = code,
                      .again = is_lost(error),
                      .rank = world.rank(),
                      .host = world.hosts()[static_cast<size_t>(world.rank())],
                      .message = error.what()});
    World::abort(code);
  }
}

}  // namespace
}  // namespace ringtrain::benchmarks

int main(int argc, char** argv) {
  using namespace ringtrain;
  CLI::App app("One emulated rank under `ringtrain run`.", "ringtrain-emulated-worker");
  benchmarks::WorkerOptions options;
  app.add_option("job", options.job_file, "Job file")->required();
  app.add_option("--set", options.overrides, "Override a key of the job file: key=value");
  app.add_flag("--events", options.events, "Report progress to `ringtrain run`");
  app.add_option("--expect-ranks", options.expected_ranks, "Ranks that were asked for");
  app.add_option("--expect-hosts", options.expected_hosts, "Hosts that were asked for")
      ->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  try {
    return benchmarks::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ringtrain-emulated-worker: {}\n", error.what());
    return exit_code_of(error);
  }
}
