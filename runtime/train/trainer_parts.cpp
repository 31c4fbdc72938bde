// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/trainer_parts.hpp"

#include <fmt/format.h>

#include <chrono>

#include "runtime/averaging/arrival_order.hpp"
#include "runtime/averaging/every_step.hpp"
#include "runtime/averaging/local_sgd.hpp"
#include "runtime/averaging/model_buffers.hpp"

namespace ringtrain {
namespace {

// Bucket size of CPU ranks on one node, which sum at the end of the step: a bucket's parts of a few
// slabs fit in a core's cache, so that the optimizer finds the sums there.
constexpr size_t kCacheSizedBucket = 128 * 1024;  // floats

SlabLayout layout_of(Model& model, const datasets::Plan& plan, const Device& device) {
  const auto& shape = plan.shape;
  return lay_out(model,
                 torch::zeros({2, shape.channels, shape.height, shape.width}, device.torch()));
}

std::vector<int64_t> dimensions_of(const Model& model) {
  std::vector<int64_t> dimensions;
  for (const auto& [name, tensor] : model.parameters()) dimensions.push_back(tensor.dim());
  return dimensions;
}

std::vector<Range> buckets_of(const JobSpec& job, const Communicator& communicator,
                              const Device& device, size_t elements) {
  const bool from_job = communicator.overlaps() || device.torch().is_cuda();
  return cut_into_buckets(elements, from_job ? static_cast<size_t>(job.communication.bucket_mib *
                                                                   (1 << 20) / sizeof(float))
                                             : kCacheSizedBucket);
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

bool is_local_sgd(const JobSpec& job, const World& world) {
  return job.communication.sync_every > 1 && world.size() > 1;
}

// The communicator of a step: under local SGD a rank takes its steps alone.
std::unique_ptr<Communicator> step_communicator(const JobSpec& job, const World& world,
                                                Device& device, size_t elements) {
  CommunicationSpec spec = job.communication;
  if (is_local_sgd(job, world)) spec.backend = CommunicationSpec::Backend::none;
  return communicator_for(spec, world, device, elements);
}

std::unique_ptr<AveragingStrategy> make_averaging(const JobSpec& job, const World& world,
                                                  TrainerParts& parts) {
  if (!is_local_sgd(job, world)) {
    return std::make_unique<EveryStep>(*parts.communicator, parts.exchange, parts.averager);
  }
  std::vector<float*> arrays = {parts.communicator->parameters()};
  for (size_t k = 0; k < parts.optimizer.state_names().size(); ++k) {
    arrays.push_back(parts.optimizer.state(k, 0));
  }
  const size_t elements = parts.layout.elements();
  return std::make_unique<LocalSgd>(
      LocalSgd::Options{.sync_every = job.communication.sync_every,
                        .world_size = world.size(),
                        .elements = elements},
      communicator_for(job.communication, world, parts.device, elements), std::move(arrays),
      parts.buckets, parts.averager, parts.model, parts.device);
}

}  // namespace

TrainerParts::TrainerParts(const JobSpec& job, const World& world, const datasets::Plan& plan,
                           Device& on, Model& of, Trace* into)
    : device(on),
      model(of),
      trace(into),
      layout(layout_of(model, plan, device)),
      communicator(step_communicator(job, world, device, layout.elements())),
      buckets(buckets_of(job, *communicator, device, layout.elements())),
      recorder(job.output / fmt::format("flight-{}.json", world.rank()), world.rank(), world.size(),
               std::chrono::duration<double>(job.communication.timeout_seconds)),
      exchange(*communicator, &recorder, trace),
      averager(model, layout, buckets, world.size(), *communicator, exchange, device),
      optimizer(job.optimizer, job.clip_norm, layout, buckets, dimensions_of(model), *communicator,
                exchange, device),
      averaging(make_averaging(job, world, *this)) {
  // The first rank may have loaded pretrained weights. Parameters have been broadcast already.
  averaging->restore([&] { broadcast_buffers(model, *communicator, exchange); });
  if (world.size() > 1 && !is_local_sgd(job, world)) {
    model.set_sum_over_ranks([this](std::span<double> values) { exchange.sum(values); });
  }
}

TrainerParts::~TrainerParts() { model.set_sum_over_ranks({}); }

Trained TrainerParts::trained() {
  return {.model = model,
          .layout = layout,
          .buckets = buckets,
          .communicator = *communicator,
          .exchange = exchange,
          .optimizer = optimizer,
          .device = device};
}

}  // namespace ringtrain
