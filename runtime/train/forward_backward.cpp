// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/forward_backward.hpp"

#include <utility>

#include "base/mix.hpp"
#include "runtime/device/load.hpp"
#include "runtime/models/autocast.hpp"

namespace ringtrain {

at::Tensor forward(Model& model, const at::Tensor& inputs, JobSpec::Precision precision) {
  const Autocast autocast(precision == JobSpec::Precision::bf16, inputs.device().type());
  return model.forward(inputs).to(at::kFloat);
}

ForwardBackward::ForwardBackward(const JobSpec& job, const datasets::DatasetIndex& dataset,
                                 Device& device, Model& model, GradientAverager& averager,
                                 std::function<void(const std::string&)> log, Trace* trace)
    : job_(job),
      dataset_(dataset),
      objective_(job.loss, dataset, device.torch()),
      device_(device),
      model_(model),
      averager_(averager),
      trace_(trace),
      step_([this](const auto& inputs, const auto& labels,
                   const auto& last) { return micro_batches(inputs, labels, last); },
            job.cuda_graph, device, model, averager, std::move(log)) {}

LoadedBatch ForwardBackward::load(const datasets::Batch& batch, int64_t epoch) {
  const AugmentSpec& changes = job_.augment;
  const kernels::Augment augment = {.crop_padding = changes.crop_padding,
                                    .horizontal_flip = changes.horizontal_flip,
                                    .seed = job_.seed,
                                    .epoch = static_cast<uint64_t>(epoch),
                                    .crop_scale = static_cast<float>(changes.crop_scale),
                                    .crop_aspect = static_cast<float>(changes.crop_aspect),
                                    .brightness = static_cast<float>(changes.brightness),
                                    .contrast = static_cast<float>(changes.contrast),
                                    .saturation = static_cast<float>(changes.saturation),
                                    .hue = static_cast<float>(changes.hue)};
  const Span phase(trace_, "load");
  // Targets that are normalised get there by a copy of their own.
  const CapturedStep::Reads into = step_.reads(batch.rows);
  return {.inputs = load_inputs(device_, dataset_, batch, augment, into.inputs),
          .labels = objective_.answers(load_answers(device_, dataset_, batch, into.labels)),
          .first_position = batch.first_position,
          .rows = batch.rows,
          .global_rows = batch.global_rows};
}

double ForwardBackward::run(const LoadedBatch& batch, int64_t epoch, uint64_t samples_in_mean,
                            const std::function<void()>& meanwhile) {
  Span phase(trace_, "forward and backward");
  // The seed of what a model draws (dropout) is a function of the position in the run, too.
  const uint64_t seed = mix(job_.seed, static_cast<uint64_t>(epoch), batch.first_position);
  const at::Tensor loss = step_.run({.inputs = batch.inputs,
                                     .labels = batch.labels,
                                     .scale = 1.0F / static_cast<float>(samples_in_mean),
                                     .seed = seed});
  averager_.end_backward();
  device_.start_collecting(loss);
  meanwhile();
  return device_.collect_loss();
}

// Gradient accumulation: splits the batch into `accumulate` micro-batches, one backward pass each.
at::Tensor ForwardBackward::micro_batches(const at::Tensor& inputs, const at::Tensor& labels,
                                          const CapturedStep::LastBackward& last) {
  const int64_t rows = inputs.size(0);
  at::Tensor total;
  for (int64_t part = 0; part < job_.accumulate; ++part) {
    const int64_t begin = rows * part / job_.accumulate;
    const int64_t end = rows * (part + 1) / job_.accumulate;
    Span phase(trace_, "forward");
    const at::Tensor outputs = forward(model_, inputs.slice(0, begin, end), job_.precision);
    const at::Tensor loss =
        objective_.loss(outputs, labels.slice(0, begin, end), job_.label_smoothing);
    phase.next("backward");
    part + 1 == job_.accumulate ? last(loss) : loss.backward();
    const at::Tensor value = loss.detach().to(at::kDouble);
    total = total.defined() ? total.add(value) : value;
  }
  return total;
}

}  // namespace ringtrain
