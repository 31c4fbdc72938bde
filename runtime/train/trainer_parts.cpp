// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/trainer_parts.hpp"

#include <fmt/format.h>

#include <chrono>

#include "job/models.hpp"
#include "runtime/averaging/arrival_order.hpp"
#include "runtime/averaging/every_step.hpp"
#include "runtime/averaging/local_sgd.hpp"
#include "runtime/averaging/model_buffers.hpp"
#include "runtime/train/precision.hpp"

namespace ringtrain {
namespace {

// Bucket size of CPU ranks on one node, which sum at the end of the step: a bucket's parts of a few
// slabs fit in a core's cache, so that the optimizer finds the sums there.
constexpr size_t kCacheSizedBucket = 128 * 1024;  // floats

// Tensor cores take channels last: in TF32 and bf16, a convolution of another layout would be
// converted around each call. A model of the user's may count on the usual layout of its weights.
SlabLayout layout_of(const JobSpec& job, Model& model, const datasets::DatasetIndex& dataset,
                     const Device& device) {
  const bool channels_last = device.torch().is_cuda() && is_zoo_model(job.model) &&
                             precision_on(device, job) != JobSpec::Precision::fp32;
  const auto& shape = dataset.shape;
  const bool whole = dataset.element == datasets::ElementType::i64;
  return lay_out(model, {shape.channels, shape.height, shape.width}, device.torch(),
                 whole ? at::kLong : at::kFloat, channels_last);
}

std::vector<int64_t> dimensions_of(const Model& model) {
  std::vector<int64_t> dimensions;
  for (const auto& [name, tensor] : model.parameters()) dimensions.push_back(tensor.dim());
  return dimensions;
}

size_t bucket_elements(const JobSpec& job, const Collectives& collectives, const Device& device) {
  const bool gpu = device.torch().is_cuda();
  if (!collectives.overlaps() && !gpu) return kCacheSizedBucket;
  const double chosen = job.communication.bucket_mib;
  const double mib = chosen > 0 ? chosen : gpu ? 25 : 4;
  return static_cast<size_t>(mib * (1 << 20) / sizeof(float));
}

// The job's enumerations have the same values in the same order.
CommOptions options_of(const CommunicationSpec& spec) {
  static_assert(static_cast<int>(CommunicationSpec::Backend::none) ==
                static_cast<int>(CommOptions::Backend::none));
  static_assert(static_cast<int>(CommunicationSpec::Algorithm::ring) ==
                static_cast<int>(CommOptions::Algorithm::ring));
  static_assert(static_cast<int>(CommunicationSpec::Wire::bf16) ==
                static_cast<int>(CommOptions::Wire::bf16));
  return {.backend = static_cast<CommOptions::Backend>(spec.backend),
          .algorithm = static_cast<CommOptions::Algorithm>(spec.algorithm),
          .wire = static_cast<CommOptions::Wire>(spec.wire),
          .shard_optimizer = spec.shard_optimizer,
          .timeout_seconds = spec.timeout_seconds};
}

std::unique_ptr<Collectives> collectives_for(const CommOptions& options, const World& world,
                                             Device& device, size_t elements) {
  return make_collectives(
      world, options,
      {.cuda = device.torch().is_cuda(),
       .allocate_zeros = [&device](size_t n) { return device.allocate_zeros(n); },
       .current_stream = [&device] { return device.current_stream(); }},
      elements);
}

bool is_local_sgd(const JobSpec& job, const World& world) {
  return job.communication.sync_every > 1 && world.size() > 1;
}

// The collectives of a step: under local SGD a rank takes its steps alone.
std::unique_ptr<Collectives> step_collectives(const JobSpec& job, const World& world,
                                              Device& device, size_t elements) {
  CommOptions options = options_of(job.communication);
  if (is_local_sgd(job, world)) options.backend = CommOptions::Backend::none;
  return collectives_for(options, world, device, elements);
}

std::unique_ptr<AveragingStrategy> make_averaging(const JobSpec& job, const World& world,
                                                  TrainerParts& parts) {
  if (!is_local_sgd(job, world)) return std::make_unique<EveryStep>(parts.thread, parts.averager);
  std::vector<float*> arrays = {parts.collectives->slabs().parameters};
  for (size_t k = 0; k < parts.optimizer.state_names().size(); ++k) {
    arrays.push_back(parts.optimizer.state(k, 0));
  }
  return std::make_unique<LocalSgd>(
      job.communication.sync_every,
      collectives_for(options_of(job.communication), world, parts.device, parts.space.elements()),
      std::move(arrays), parts.space, parts.averager, parts.model, parts.device);
}

}  // namespace

TrainerParts::TrainerParts(const JobSpec& job, const World& world,
                           const datasets::DatasetIndex& dataset, Device& on, Model& of,
                           Trace* into)
    : TrainerParts(job, world, layout_of(job, of, dataset, on), on, of, into) {}

TrainerParts::TrainerParts(const JobSpec& job, const World& world, const SlabLayout& layout,
                           Device& on, Model& of, Trace* into)
    : device(on),
      model(of),
      trace(into),
      collectives(step_collectives(job, world, device, layout.elements())),
      stream_sum(model.uses_local_batch_statistics() ? collectives->make_stream_sum() : nullptr),
      space(layout, bucket_elements(job, *collectives, device), *collectives),
      recorder(flight_path(job.output, world.rank()), world.rank(), world.size(),
               std::chrono::duration<double>(job.communication.timeout_seconds)),
      thread(*collectives, &recorder, trace),
      optimizer(job.optimizer, job.clip_norm, space, dimensions_of(model), thread, device),
      schedule(make_gradient_schedule(space, thread, optimizer.adds_slabs())),
      averager(model, space, thread, *schedule, device),
      averaging(make_averaging(job, world, *this)) {
  // Rank 0 may have loaded pretrained weights. Parameters have been broadcast already.
  averaging->restore([&] { broadcast_buffers(model, thread); });
  if (world.size() > 1 && !is_local_sgd(job, world)) {
    model.set_sum_over_ranks([this](std::span<double> values) { thread.all_reduce(values); },
                             sum_on_device());
  }
}

TrainerParts::~TrainerParts() { model.set_sum_over_ranks({}, {}); }

SumOnDevice TrainerParts::sum_on_device() {
  if (stream_sum == nullptr) return {};
  return {.rank = collectives->rank(),
          .ranks = collectives->size(),
          .start = [this](const at::Tensor& floats) {
            stream_sum->start(floats.mutable_data_ptr<float>(),
                              static_cast<size_t>(floats.numel()));
          }};
}

Trained TrainerParts::trained() {
  return {
      .model = model, .space = space, .thread = thread, .optimizer = optimizer, .device = device};
}

}  // namespace ringtrain
