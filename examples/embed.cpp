// SPDX-License-Identifier: Apache-2.0
// The trainer as a library: a job in code instead of YAML, trained by every rank of an MPI program.
//
//   mpirun -np 2 build/cpu/bin/embed mnist.h5 runs/embed
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "runtime/train/model_options.hpp"
#include "runtime/train/trainer.hpp"
#include "runtime/worker/agreement.hpp"

namespace ringtrain {
namespace {

JobSpec make_job(const char* dataset, const char* output) {
  JobSpec job;
  job.model = "lenet5";
  job.dataset = dataset;
  job.output = output;  // checkpoints
  job.epochs = 3;
  job.batch_size = 32;  // over all ranks: their number does not change the result
  job.optimizer.learning_rate = 0.01;
  return job;
}

// Collective.
Result train(const World& world, const JobSpec& job) {
  // Rank 0 opens the HDF5 file and broadcasts what it found. Each rank reads its own samples.
  const datasets::DatasetIndex dataset = agree_on_dataset(world, job);
  const auto device = make_device(job.device, world.node().rank());
  const auto model = make_model(model_options(job, dataset));
  model->to(device->torch());

  const Reporter reporter(/*events=*/false, /*quiet=*/world.rank() != 0);
  Progress progress(reporter);
  Trainer trainer(job, world, dataset, *device, *model, progress);
  return trainer.train();
}

}  // namespace
}  // namespace ringtrain

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: embed DATASET OUTPUT\n");
    return 2;
  }
  const ringtrain::World world;  // initialises MPI, and finalises it last
  try {
    const auto result = ringtrain::train(world, ringtrain::make_job(argv[1], argv[2]));
    if (world.rank() != 0) return 0;
    fmt::print("{}, {}, test accuracy {:.4f}\n", ringtrain::counted(world.size(), "rank"),
               ringtrain::counted(result.steps, "step"), result.test_accuracy.value());
  } catch (const std::exception& error) {
    fmt::print(stderr, "embed: {}\n", error.what());
    ringtrain::World::abort(static_cast<int>(ringtrain::exit_code_of(error)));
  }
}
