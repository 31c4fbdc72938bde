// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/forward_backward.hpp"

#include <utility>

#include "base/mix.hpp"
#include "runtime/models/autocast.hpp"

namespace ringtrain {

torch::Tensor forward(Model& model, const torch::Tensor& inputs, JobSpec::Precision precision) {
  const Autocast autocast(precision == JobSpec::Precision::bf16, inputs.device().type());
  return model.forward(inputs).to(torch::kFloat32);
}

ForwardBackward::ForwardBackward(const JobSpec& job, const datasets::DatasetIndex& dataset,
                                 Device& device, Model& model, GradientAverager& averager,
                                 std::function<void(const std::string&)> log, Trace* trace)
    : job_(job),
      dataset_(dataset),
      device_(device),
      model_(model),
      trace_(trace),
      step_([this](const auto& inputs, const auto& labels,
                   const auto& last) { return micro_batches(inputs, labels, last); },
            job.cuda_graph, device, model, averager, std::move(log)) {}

double ForwardBackward::run(const datasets::Batch& batch, int64_t epoch, uint64_t samples_in_mean) {
  const kernels::Augment augment = {.crop_padding = job_.augment.crop_padding,
                                    .horizontal_flip = job_.augment.horizontal_flip,
                                    .seed = job_.seed,
                                    .epoch = static_cast<uint64_t>(epoch)};
  Span phase(trace_, "load");
  const torch::Tensor inputs = device_.load(dataset_, batch, augment);
  const torch::Tensor labels = device_.load_labels(batch);
  phase.next("forward and backward");
  // The seed of what a model draws (dropout) is a function of the position in the run, too.
  const uint64_t seed = mix(job_.seed, static_cast<uint64_t>(epoch), batch.first_position);
  const torch::Tensor loss = step_.run({.inputs = inputs,
                                        .labels = labels,
                                        .scale = 1.0F / static_cast<float>(samples_in_mean),
                                        .seed = seed});
  return loss.item<double>();
}

// Gradient accumulation: splits the batch into `accumulate` micro-batches, one backward pass each.
torch::Tensor ForwardBackward::micro_batches(const torch::Tensor& inputs,
                                             const torch::Tensor& labels,
                                             const CapturedStep::LastBackward& last) {
  const int64_t rows = inputs.size(0);
  torch::Tensor total;
  for (int64_t part = 0; part < job_.accumulate; ++part) {
    const int64_t begin = rows * part / job_.accumulate;
    const int64_t end = rows * (part + 1) / job_.accumulate;
    Span phase(trace_, "forward");
    const torch::Tensor logits = forward(model_, inputs.slice(0, begin, end), job_.precision);
    const torch::Tensor loss =
        torch::nn::functional::cross_entropy(logits, labels.slice(0, begin, end),
                                             torch::nn::functional::CrossEntropyFuncOptions()
                                                 .reduction(torch::kSum)
                                                 .label_smoothing(job_.label_smoothing));
    phase.next("backward");
    part + 1 == job_.accumulate ? last(loss) : loss.backward();
    const torch::Tensor value = loss.detach().to(torch::kFloat64);
    total = total.defined() ? total + value : value;
  }
  return total;
}

}  // namespace ringtrain
