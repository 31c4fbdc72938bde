// SPDX-License-Identifier: Apache-2.0
// ringtrain-worker: one rank. `ringtrain run` starts as many as asked; so may you:
//
//   mpirun -np 2 ringtrain-worker job.yaml
#include <fmt/format.h>
#include <hdf5.h>
#include <malloc.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include "datasets/plan.hpp"
#include "runtime/agree.hpp"
#include "runtime/comm/world.hpp"
#include "runtime/device.hpp"
#include "runtime/job/json.hpp"
#include "runtime/job/parse.hpp"
#include "runtime/models/model.hpp"
#include "runtime/observe/history.hpp"
#include "runtime/observe/progress.hpp"
#include "runtime/observe/reporter.hpp"
#include "runtime/output.hpp"
#include "runtime/trainer.hpp"

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
  agree(world, [&] {
    if (world.rank() == 0) job = print_job(parse_job(options.job_file, options.overrides));
  });
  return job_from_json(world.broadcast(job));
}

datasets::Plan agree_on_dataset(const World& world, const JobSpec& job) {
  std::string plan;
  agree(world, [&] {
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
                const Length& length) {
  Result start;
  start.placement = placement;
  reporter.event("started",
                 {{"placement", to_json(start)["placement"]},
                  {"world_size", placement.size()},
                  {"steps", length.steps},
                  {"epochs", job.epochs},
                  {"communication", trainer.describe_communication()}},
                 fmt::format("{}: {} on {} ranks, {} training samples, {} steps; {}", job.name,
                             job.model, placement.size(), plan.train.rows, length.steps,
                             trainer.describe_communication()));
}

void train(const World& world, const Options& options, const Reporter& reporter,
           Clock::time_point born) {
  agree(world, [&] { prove_placement(world, options.expected_ranks, options.expected_hosts); });
  const JobSpec job = agree_on_job(world, options);
  const datasets::Plan plan = agree_on_dataset(world, job);
  set_threads(world);

  std::optional<Output> output;
  std::optional<History> history;
  std::unique_ptr<Device> device;
  std::unique_ptr<Model> model;
  Trainer* trainer_in_training = nullptr;
  Length length;
  agree(world, [&] {
    length = length_of(job, plan, world.size());
    if (world.rank() == 0) output.emplace(job.output);
    device = make_device(job.device, world.node().rank(),
                         [&](const std::string& line) { reporter.log(line); });
    model = make_model({.name = job.model,
                        .hidden = job.hidden,
                        .channels = plan.shape.channels,
                        .height = plan.shape.height,
                        .width = plan.shape.width,
                        .classes = static_cast<int64_t>(plan.class_names.size()),
                        .seed = job.seed,
                        .sum_over_ranks = [&](std::span<double> values) {
                          trainer_in_training->sum_over_ranks(values);
                        }});
    model->to(device->torch());
    if (output) history.emplace(output->history_file());
  });

  Progress progress(reporter, history ? &*history : nullptr, job.epochs, length.steps);
  const auto placement = placement_of(world, *device);
  Result result;
  {
    Trainer trainer(job, world, plan, *device, *model, progress);
    trainer_in_training = &trainer;
    tell_start(reporter, placement, job, plan, trainer, length);
    if (world.size() > 1 && model->uses_local_batch_statistics()) {
      reporter.warn(
          "this TorchScript model's batch normalisation sees the samples of one rank only: its "
          "result "
          "depends on the number of ranks");
    }
    const double startup = seconds_since(born);
    result = trainer.train();
    result.seconds.startup = startup;
  }
  result.placement = placement;
  agree(world, [&] {
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

int run(const Options& options) {
  const auto born = Clock::now();
  keep_freed_memory();
  const World world;
  const auto host = world.hosts()[static_cast<size_t>(world.rank())];
  const Reporter reporter(options.events, world.rank() != 0);
  try {
    train(world, options, reporter, born);
    return 0;
  } catch (const AgreedError& error) {
    if (world.rank() == error.rank()) {
      reporter.failure(error.exit_code(), world.rank(), host, error.what());
    }
    return error.exit_code();
  } catch (const c10::Error& error) {
    reporter.failure(4, world.rank(), host, error.what_without_backtrace());
    World::abort(4);
  } catch (const std::exception& error) {
    reporter.failure(exit_code_of(error), world.rank(), host, error.what());
    World::abort(exit_code_of(error));
  }
}

std::string versions() {
  unsigned major = 0, minor = 0, patch = 0;
  H5get_libversion(&major, &minor, &patch);
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(mpi, &length);
  const std::string mpi_text(mpi, static_cast<size_t>(length));
  return fmt::format("ringtrain-worker {}\nlibtorch {}\nHDF5 {}.{}.{}\nMPI {}", RINGTRAIN_VERSION,
                     TORCH_VERSION, major, minor, patch, mpi_text.substr(0, mpi_text.find(',')));
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
