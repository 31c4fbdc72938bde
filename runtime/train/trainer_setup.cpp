// SPDX-License-Identifier: Apache-2.0
// What comes before the training loop and after it; the loop itself is in trainer.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/error.hpp"
#include "runtime/averaging/arrival_order.hpp"
#include "runtime/train/trainer.hpp"

namespace ringtrain {
namespace {

// Where CPU ranks of a node sum at the end of the step: a bucket's parts of a few slabs fit a
// core's cache, so that the optimizer finds the sums there.
constexpr size_t kCacheSizedBucket = 128 * 1024;  // floats

// The test part goes through in larger batches than training: there is no backward pass to keep
// memory for.
constexpr uint64_t kTestBatch = 1024;

SlabLayout lay_out(Model& model, const datasets::Plan& plan, Device& device) {
  const auto& shape = plan.shape;
  const auto zeros = torch::zeros({2, shape.channels, shape.height, shape.width}, device.torch());
  const auto arrival = arrival_order(model, zeros);
  std::vector<size_t> sizes;
  for (const auto& [name, tensor] : model.parameters()) {
    sizes.push_back(static_cast<size_t>(tensor.numel()));
  }
  return {sizes, arrival};
}

std::vector<int64_t> dimensions_of(const Model& model) {
  std::vector<int64_t> dimensions;
  for (const auto& [name, tensor] : model.parameters()) dimensions.push_back(tensor.dim());
  return dimensions;
}

// A GPU takes a batch in one copy; the CPU's kernel reads rows where they lie.
datasets::ReaderOptions reader_options(const JobSpec& job, const World& world, const Device& device,
                                       datasets::Split split) {
  const bool train = split == datasets::Split::train;
  const auto batch = static_cast<uint64_t>(job.batch_size);
  return {.rank = world.rank(),
          .world_size = world.size(),
          .batch_size = train ? batch : std::max(batch, kTestBatch),
          .seed = job.seed,
          .shuffle = train,
          .contiguous = device.torch().is_cuda()};
}

std::unique_ptr<Communicator> communicator_for(const CommunicationSpec& spec, const World& world,
                                               Device& device, size_t elements) {
  return make_communicator(
      world, spec,
      {.cuda = device.torch().is_cuda(),
       .allocate_zeros = [&device](size_t n) { return device.allocate_zeros(n); },
       .current_stream = [&device] { return device.current_stream(); }},
      elements);
}

bool averages_now_and_then(const JobSpec& job, const World& world) {
  return job.communication.sync_every > 1 && world.size() > 1;
}

std::unique_ptr<Communicator> communicator_for_steps(const JobSpec& job, const World& world,
                                                     Device& device, size_t elements) {
  CommunicationSpec spec = job.communication;
  if (averages_now_and_then(job, world)) spec.backend = CommunicationSpec::Backend::none;
  return communicator_for(spec, world, device, elements);
}

}  // namespace

Length length_of(const JobSpec& job, const datasets::Plan& plan, int world_size) {
  const auto rows = static_cast<int64_t>(plan.train.rows);
  if (rows < world_size) {
    throw job_error(
        fmt::format("{} ranks, but only {} training samples: start fewer ranks", world_size, rows));
  }
  if (job.batch_size < world_size) {
    throw job_error(fmt::format(
        "batch_size: {} samples cannot be shared by {} ranks: raise it or start fewer ranks",
        job.batch_size, world_size));
  }
  const int64_t steps_per_epoch = (rows + job.batch_size - 1) / job.batch_size;
  const int64_t steps = job.epochs * steps_per_epoch;
  return {.steps_per_epoch = steps_per_epoch,
          .steps = std::min(steps, job.max_steps.value_or(steps))};
}

Trainer::Trainer(const JobSpec& job, const World& world, const datasets::Plan& plan, Device& device,
                 Model& model, Progress& progress, Trace* trace)
    : job_(job),
      plan_(plan),
      device_(device),
      model_(model),
      progress_(progress),
      trace_(trace),
      world_size_(world.size()),
      length_(length_of(job, plan, world.size())),
      layout_(lay_out(model, plan, device)),
      communicator_(communicator_for_steps(job, world, device, layout_.elements())),
      buckets_(cut_into_buckets(
          layout_.elements(),
          communicator_->overlaps() || device.torch().is_cuda()
              ? static_cast<size_t>(job.communication.bucket_mib * (1 << 20) / sizeof(float))
              : kCacheSizedBucket)),
      recorder_(job.output / fmt::format("flight-{}.json", world.rank()), world.rank(),
                world.size(), std::chrono::duration<double>(job.communication.timeout_seconds)),
      exchange_(*communicator_, &recorder_, trace),
      averager_(model, layout_, buckets_, world.size(), *communicator_, exchange_, device),
      passes_(
          [this](const auto& inputs, const auto& labels, const auto& last) {
            return forward_and_backward_in_parts(inputs, labels, last);
          },
          job.cuda_graph, device, model, averager_,
          [&progress](const std::string& line) { progress.log(line); }),
      schedule_(job.schedule, job.optimizer.learning_rate, length_.steps_per_epoch, length_.steps),
      optimizer_(job.optimizer, job.clip_norm, layout_, buckets_, dimensions_of(model),
                 *communicator_, exchange_, device),
      local_sgd_(averages_now_and_then(job, world)
                     ? std::make_unique<LocalSgd>(
                           communicator_for(job.communication, world, device, layout_.elements()),
                           world.size(), layout_.elements(), buckets_, device)
                     : nullptr),
      stragglers_(world.rank(), world.hosts()),
      train_reader_(plan, datasets::Split::train,
                    reader_options(job, world, device, datasets::Split::train)),
      test_reader_(plan, datasets::Split::test,
                   reader_options(job, world, device, datasets::Split::test)),
      checkpoints_(job, plan, length_.steps_per_epoch, world, progress),
      losses_(job.rollback) {
  // The first rank has taken them from a file; parameters are spread by the averager.
  if (local_sgd_) {
    spread_first_rank();
  } else if (!job.initialize_from.empty()) {
    spread_buffers(model_, *communicator_, exchange_);
  }
}

// What local SGD averages: all of this rank's own parameters and optimizer state.
std::vector<float*> Trainer::arrays() {
  std::vector<float*> arrays = {communicator_->parameters()};
  for (size_t k = 0; k < optimizer_.state_names().size(); ++k) {
    arrays.push_back(optimizer_.state(k, 0));
  }
  return arrays;
}

void Trainer::spread_first_rank() {
  local_sgd_->spread(arrays());
  spread_buffers(model_, local_sgd_->ranks(), local_sgd_->exchange());
}

// A TorchScript model's batch normalisation sees this rank's samples alone, and its running
// statistics drift apart; their mean over the ranks is what is evaluated and saved.
void Trainer::average_local_statistics() {
  if (!model_.uses_local_batch_statistics()) return;
  for (const auto& [name, buffer] : model_.buffers()) {
    if (!buffer.is_floating_point()) continue;
    const torch::Tensor values = buffer.to(torch::kCPU, torch::kFloat64).contiguous();
    ranks().sum({values.mutable_data_ptr<double>(), static_cast<size_t>(values.numel())});
    torch::Tensor(buffer).copy_(values / world_size_);
  }
}

// Every rank's hash covers the samples that it read, and the sum of all hashes covers the whole
// order.
uint64_t Trainer::global_order_hash() {
  constexpr uint64_t kLow = 0xffffffff;
  const uint64_t mine = train_reader_.order_hash() + order_hash_before_;
  // Halves, so that doubles hold the sums exactly.
  std::vector<double> halves = {static_cast<double>(mine >> 32), static_cast<double>(mine & kLow)};
  ranks().sum(halves);
  return (static_cast<uint64_t>(halves[0]) << 32) + static_cast<uint64_t>(halves[1]);
}

Result Trainer::result() {
  Result result;
  result.name = job_.name;
  result.status = done() ? "finished" : "stopped";
  result.device = device_.name();
  result.communication = describe_communication();
  result.epochs = (step_ + length_.steps_per_epoch - 1) / length_.steps_per_epoch;
  result.steps = step_;
  result.skipped_steps = skipped_;
  result.rollbacks = rollbacks_;
  result.resumed_from_step = resumed_from_;
  result.samples_seen = progress_.samples_seen();
  result.train_loss = progress_.train_loss();
  if (evaluation_) {
    result.test_loss = evaluation_->loss;
    result.test_accuracy = evaluation_->accuracy;
  }
  result.samples_per_second =
      train_seconds_ > 0
          ? static_cast<double>(progress_.samples_seen() - samples_before_) / train_seconds_
          : 0;
  result.seconds.exposed_communication = train_exposed_seconds_;
  result.seconds.data_wait = train_reader_.waited_seconds();
  result.seconds.compute = train_seconds_ - train_exposed_seconds_ - result.seconds.data_wait;
  result.seconds.evaluate = evaluate_seconds_;
  result.seconds.checkpoint = checkpoints_.seconds();
  result.slowest = stragglers_.slowest();
  result.order_hash = fmt::format("{:016x}", global_order_hash());
  return result;
}

}  // namespace ringtrain
