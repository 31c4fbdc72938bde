// SPDX-License-Identifier: Apache-2.0
// ringtrain-worker: one rank. `ringtrain run` starts as many as asked; so may you:
//
//   mpirun -np 2 ringtrain-worker job.yaml
#include <fmt/format.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "datasets/format/plan.hpp"
#include "datasets/reading/open.hpp"
#include "job/json.hpp"
#include "job/parse.hpp"
#include "runtime/checkpoint/load_pretrained.hpp"
#include "runtime/checkpoint/resume.hpp"
#include "runtime/checkpoint/signals.hpp"
#include "runtime/comm/world.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"
#include "runtime/observe/history.hpp"
#include "runtime/observe/progress.hpp"
#include "runtime/observe/reporter.hpp"
#include "runtime/observe/trace.hpp"
#include "runtime/train/trainer.hpp"
#include "runtime/worker/output.hpp"
#include "runtime/worker/run_on_all_ranks.hpp"

namespace ringtrain {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string job_file;
  std::vector<std::string> overrides;
  bool events = false;
  int expected_ranks = 0;
  std::vector<std::string> expected_hosts;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Activations of a step are freed and allocated again in every step; by default glibc gives such
// blocks back to the kernel each time, and the page faults cost more than the arithmetic on small
// models.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

// A rank whose daemon of mpirun is gone, even by SIGKILL, is of no use to the others and would wait
// for them.
void end_with_mpirun() {
  if (std::getenv("OMPI_COMM_WORLD_RANK") != nullptr) prctl(PR_SET_PDEATHSIG, SIGKILL);
}

// As many threads as this rank's share of the node's cores, unless the environment says otherwise.
void set_threads(const World& world) {
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    torch::set_num_threads(std::max(1, cores / world.node().size()));
  }
  torch::set_num_interop_threads(1);
}

JobSpec agree_on_job(const World& world, const Options& options) {
  std::string job;
  run_on_all_ranks(world, [&] {
    if (world.rank() == 0) job = print_job(parse_job(options.job_file, options.overrides));
  });
  return job_from_json(world.broadcast(job));
}

datasets::Plan agree_on_dataset(const World& world, const JobSpec& job) {
  std::string plan;
  run_on_all_ranks(world, [&] {
    if (world.rank() == 0) plan = datasets::serialise(datasets::open_dataset(job.dataset));
  });
  return datasets::deserialise(world.broadcast(plan));
}

std::vector<RankPlacement> placement_of(const World& world, const Device& device) {
  const auto devices = world.all_gather(device.name());
  std::vector<RankPlacement> placement;
  for (int r = 0; r < world.size(); ++r) {
    const auto i = static_cast<size_t>(r);
    placement.push_back({.rank = r, .host = world.hosts()[i], .device = devices[i]});
  }
  return placement;
}

void tell_start(const Reporter& reporter, const std::vector<RankPlacement>& placement,
                const JobSpec& job, const datasets::Plan& plan, const Trainer& trainer,
                const Length& length, const std::optional<ResumePoint>& point) {
  const int64_t step = point ? point->state.step : 0;
  Result start;
  start.placement = placement;
  reporter.event("started",
                 {{"placement", to_json(start)["placement"]},
                  {"world_size", placement.size()},
                  {"step", step},
                  {"steps", length.steps},
                  {"epochs", job.epochs},
                  {"communication", trainer.describe_communication()}},
                 fmt::format("{}: {} on {} ranks, {} training samples, {} steps; {}", job.name,
                             job.model, placement.size(), plan.train.rows, length.steps,
                             trainer.describe_communication()));
  if (point) reporter.log(fmt::format("going on from {}", point->path.string()));
}

// The end on a signal: exit code 0 and no result.json. The same job goes on from here.
void tell_stop(const Reporter& reporter, const Result& result, const Length& length,
               const std::filesystem::path& checkpoint) {
  nlohmann::ordered_json path;
  std::string how = "there is no checkpoint to go on from";
  if (!checkpoint.empty()) {
    path = checkpoint.string();
    how = fmt::format("the same command goes on from {}", checkpoint.string());
  }
  reporter.event("stopped",
                 {{"step", result.steps},
                  {"steps", length.steps},
                  {"samples_seen", result.samples_seen},
                  {"checkpoint", path}},
                 fmt::format("stopped at step {} of {}: {}", result.steps, length.steps, how));
}

// Rank 0 finds it and reads it, the others hear of it: the folder need not be on their hosts.
std::optional<ResumePoint> agree_on_resume_point(const World& world, const JobSpec& job,
                                                 const datasets::Plan& plan,
                                                 const Reporter& reporter) {
  const bool apart =
      world.size() > 1 && job.communication.backend == CommunicationSpec::Backend::none;
  if (apart) return std::nullopt;
  std::optional<ResumePoint> point;
  run_on_all_ranks(world, [&] {
    if (world.rank() != 0) return;
    point = find_resume_point(
        job, plan, [&](const std::string& line) { reporter.log(line); },
        [&](const std::string& line) { reporter.warn(line); });
  });
  const std::string text = world.broadcast(print_resume_point(point));
  return world.rank() == 0 ? std::move(point) : resume_point_from(text);
}

// What result.json says, on rank 0, where the job had come to its end before; told of again. True
// on every rank then.
bool was_finished(const World& world, const JobSpec& job, const Length& length,
                  const std::optional<Output>& output, const ResumePoint& point,
                  const Reporter& reporter) {
  const TrainingState& state = point.state;
  std::string found;
  run_on_all_ranks(world, [&] {
    if (!output || state.step < length.steps) return;
    std::optional<nlohmann::ordered_json> result;
    if (state.closed_step == state.step) result = output->result_of(state.step);
    if (result) found = result->dump();
    if (!result && state.step > length.steps) {
      throw job_error(
          fmt::format("{} is at step {}, past this job's end at {}: raise epochs or max_steps, or "
                      "set checkpoint.resume=never to start anew",
                      point.path.string(), state.step, length.steps));
    }
  });
  found = world.broadcast(found);
  if (found.empty()) return false;
  const auto result = nlohmann::ordered_json::parse(found);
  reporter.log(
      fmt::format("{} was finished before, after {} steps; nothing is done. More epochs go on from "
                  "there, checkpoint.resume=never trains anew",
                  job.output.string(), state.step));
  reporter.event("result", result, "");
  return true;
}

// A rank's own trace, where it fails and cannot speak with the others: trace-RANK.json.
void leave_trace(const Trace& trace, const JobSpec& job, int rank, const Reporter& reporter) {
  try {
    std::filesystem::create_directories(job.output);  // hosts other than rank 0's
    write_trace(job.output / fmt::format("trace-{}.json", rank), {trace.events()});
  } catch (const std::exception& error) {
    reporter.warn(error.what());
  }
}

// All ranks' in one: trace.json.
void join_traces(const World& world, const Trace& trace, const JobSpec& job) {
  std::vector<std::string> events;
  for (int rank = 0; rank < world.size(); ++rank) {
    std::string one = world.broadcast(rank == world.rank() ? trace.events() : "", rank);
    if (world.rank() == 0) events.push_back(std::move(one));
  }
  run_on_all_ranks(world, [&] {
    if (world.rank() == 0) write_trace(job.output / "trace.json", events);
  });
}

void train(const World& world, const Options& options, const Reporter& reporter,
           Clock::time_point born) {
  run_on_all_ranks(world,
                   [&] { prove_placement(world, options.expected_ranks, options.expected_hosts); });
  const JobSpec job = agree_on_job(world, options);
  const datasets::Plan plan = agree_on_dataset(world, job);
  set_threads(world);

  std::optional<Output> output;
  std::optional<History> history;
  std::unique_ptr<Device> device;
  std::unique_ptr<Model> model;
  Trainer* trainer_in_training = nullptr;
  Length length;
  run_on_all_ranks(world, [&] {
    length = length_of(job, plan, world.size());
    if (world.rank() == 0) output.emplace(job.output);
  });
  auto point = agree_on_resume_point(world, job, plan, reporter);
  if (point && was_finished(world, job, length, output, *point, reporter)) return;
  SumOverRanks sum_over_ranks;  // none for a rank that trains alone, and between local SGD's means
  if (world.size() > 1 && job.communication.sync_every == 1) {
    sum_over_ranks = [&](std::span<double> values) { trainer_in_training->sum_over_ranks(values); };
  }
  run_on_all_ranks(world, [&] {
    device = make_device(job.device, world.node().rank(),
                         [&](const std::string& line) { reporter.log(line); });
    model = make_model({.name = job.model,
                        .hidden = job.hidden,
                        .channels = plan.shape.channels,
                        .height = plan.shape.height,
                        .width = plan.shape.width,
                        .classes = static_cast<int64_t>(plan.class_names.size()),
                        .seed = job.seed,
                        .sum_over_ranks = sum_over_ranks});
    if (output && !point && !job.initialize_from.empty()) {
      take_weights(
          job.initialize_from, *model, [&](const std::string& line) { reporter.log(line); },
          [&](const std::string& line) { reporter.warn(line); });
    }
    model->to(device->torch());
    if (output) history.emplace(output->history_file(), point ? point->state.first_open_step() : 0);
  });

  Progress progress(reporter, history ? &*history : nullptr, job.epochs, length.steps);
  const auto placement = placement_of(world, *device);
  Result result;
  std::optional<Trace> trace;
  if (job.trace) {
    world.barrier();
    trace.emplace(world.rank(), world.hosts()[static_cast<size_t>(world.rank())]);
  }
  {
    Trainer trainer(job, world, plan, *device, *model, progress, trace ? &*trace : nullptr);
    trainer_in_training = &trainer;
    tell_start(reporter, placement, job, plan, trainer, length, point);
    if (world.size() > 1 && model->uses_local_batch_statistics()) {
      reporter.warn(
          "this TorchScript model's batch normalisation sees the samples of one rank only: its "
          "result "
          "depends on the number of ranks");
    }
    if (point) {
      trainer.resume(*point);
      point->weights.clear();
      point->optimizer.clear();
    }
    const double startup = seconds_since(born);
    try {
      result = trainer.train();
    } catch (...) {
      if (trace) leave_trace(*trace, job, world.rank(), reporter);
      throw;
    }
    result.seconds.startup = startup;
    if (result.status == "stopped") {
      if (trace) leave_trace(*trace, job, world.rank(), reporter);
      tell_stop(reporter, result, length, trainer.checkpoint());
      return;
    }
  }
  if (trace) join_traces(world, *trace, job);
  result.placement = placement;
  run_on_all_ranks(world, [&] {
    if (!output) return;
    result.model = output->weights_file();
    output->save_model(*model, plan, job);
    result.seconds.total = seconds_since(born);
    output->save_result(result);
  });
  reporter.event("result", to_json(result),
                 fmt::format("done: {} in {:.1f} s, {:.0f} samples/s", result.model,
                             result.seconds.total, result.samples_per_second));
}

// False for what would fail in the same way again: bad input, and arithmetic.
bool can_succeed_again(const std::exception& error) {
  const auto* const ours = dynamic_cast<const Error*>(&error);
  return ours == nullptr || ours->kind() == ErrorKind::lost;
}

int run(const Options& options) {
  const auto born = Clock::now();
  listen_to_signals();
  end_with_mpirun();
  keep_freed_memory();
  const World world;
  const auto host = world.hosts()[static_cast<size_t>(world.rank())];
  const Reporter reporter(options.events, world.rank() != 0);
  try {
    train(world, options, reporter, born);
    return 0;
  } catch (const SharedError& error) {
    const int code = static_cast<int>(exit_code_of(error));
    if (world.rank() == error.rank()) {
      reporter.failure(code, world.rank(), host, error.what(), can_succeed_again(error));
    }
    return code;
  } catch (const c10::Error& error) {
    reporter.failure(4, world.rank(), host, error.what_without_backtrace(), true);
    World::abort(4);
  } catch (const std::exception& error) {
    const int code = static_cast<int>(exit_code_of(error));
    reporter.failure(code, world.rank(), host, error.what(), can_succeed_again(error));
    World::abort(code);
  }
}

std::string versions() {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(mpi, &length);
  const std::string mpi_text(mpi, static_cast<size_t>(length));
  return fmt::format("ringtrain-worker {}\nlibtorch {}\nMPI {}", RINGTRAIN_VERSION, TORCH_VERSION,
                     mpi_text.substr(0, mpi_text.find(',')));
}

}  // namespace
}  // namespace ringtrain

int main(int argc, char** argv) {
  CLI::App app("One rank of a ringtrain job; `ringtrain run` and mpirun start it.",
               "ringtrain-worker");
  ringtrain::Options options;
  app.set_version_flag("--version", ringtrain::versions);
  app.add_option("job", options.job_file, "The job file")->required();
  app.add_option("--set", options.overrides, "key=value: overrides a key of the job file")
      ->allow_extra_args(false);
  app.add_flag("--events", options.events, "Tell of progress in JSON, for `ringtrain run`");
  app.add_option("--expect-ranks", options.expected_ranks, "Refuse to train with any other number");
  app.add_option("--expect-hosts", options.expected_hosts, "Refuse to train on any other hosts")
      ->delimiter(',');
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return ringtrain::run(options);
}
