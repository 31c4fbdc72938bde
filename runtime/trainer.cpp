// SPDX-License-Identifier: Apache-2.0
#include "runtime/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/stopwatch.hpp"
#include "runtime/training_error.hpp"

namespace ringtrain {

Result Trainer::train() {
  progress_.start();
  for (; epoch_ < job_.epochs && step_ < length_.steps; ++epoch_) {
    train_epoch();
    const bool last = epoch_ + 1 == job_.epochs || step_ == length_.steps;
    const bool due =
        job_.evaluate_every_epochs > 0 && (epoch_ + 1) % job_.evaluate_every_epochs == 0;
    evaluation_.reset();
    if ((last || due) && plan_.test.rows > 0) evaluation_ = evaluate();
    progress_.epoch_done(epoch_, step_, schedule_.learning_rate(step_ - 1), evaluation_);
  }
  return result();
}

void Trainer::train_epoch() {
  const Stopwatch stopwatch(train_seconds_);
  const double exposed_before = exchange_.exposed_seconds();
  train_reader_.start(epoch_);
  model_.train(true);
  while (step_ < length_.steps) {
    const datasets::Batch* batch = train_reader_.next();
    if (batch == nullptr) break;
    train_step(*batch);
  }
  train_exposed_seconds_ += exchange_.exposed_seconds() - exposed_before;
}

void Trainer::train_step(const datasets::Batch& batch) {
  std::vector<double> totals = {forward_and_backward(batch)};  // gradients go their way meanwhile
  if (averager_.finish(totals)) {
    optimizer_.step(averager_, schedule_.learning_rate(step_));
    skipped_in_a_row_ = 0;
    progress_.step_done(epoch_, step_ + 1, totals[0], batch.global_rows);
  } else {
    note_skipped_step();
  }
  ++step_;
}

// The sum of the losses of this rank's samples. Under `accumulate` the samples are taken in so many
// parts, one backward pass each; gradients leave with the last.
double Trainer::forward_and_backward(const datasets::Batch& batch) {
  const kernels::Augment augment = {.crop_padding = job_.augment.crop_padding,
                                    .horizontal_flip = job_.augment.horizontal_flip,
                                    .seed = job_.seed,
                                    .epoch = static_cast<uint64_t>(epoch_)};
  const torch::Tensor inputs = device_.load(plan_, batch, augment);
  const torch::Tensor labels = device_.load_labels(batch);
  double total = 0;
  for (int64_t part = 0; part < job_.accumulate; ++part) {
    const int64_t begin = batch.rows * part / job_.accumulate;
    const int64_t end = batch.rows * (part + 1) / job_.accumulate;
    const torch::Tensor logits = model_.forward(inputs.slice(0, begin, end));
    const torch::Tensor loss = torch::nn::functional::cross_entropy(
        logits.to(torch::kFloat32), labels.slice(0, begin, end),
        torch::nn::functional::CrossEntropyFuncOptions()
            .reduction(torch::kSum)
            .label_smoothing(job_.label_smoothing));
    if (part + 1 == job_.accumulate) averager_.begin(1.0F / static_cast<float>(batch.global_rows));
    loss.backward();
    total += loss.item<double>();
  }
  return total;
}

void Trainer::note_skipped_step() {
  ++skipped_;
  const std::string& culprit = averager_.culprit();
  const std::string cause = culprit.empty() ? "a gradient on another rank is"
                                            : fmt::format("the gradient of {} is", culprit);
  const std::string what = fmt::format("step {}: {} not finite", step_ + 1, cause);
  if (++skipped_in_a_row_ >= job_.max_skipped_steps) {
    throw TrainingError(
        fmt::format("{}, as in the {} steps before: lower the learning rate or set clip_norm", what,
                    skipped_in_a_row_ - 1));
  }
  progress_.warn(what + "; skipped on every rank");
}

Evaluation Trainer::evaluate() {
  const Stopwatch stopwatch(evaluate_seconds_);
  const torch::NoGradGuard no_grad;
  average_local_statistics();
  model_.train(false);
  std::vector<double> totals(3);  // loss, correct, samples
  test_reader_.start(0);
  while (const datasets::Batch* batch = test_reader_.next()) {
    if (batch->rows == 0) continue;
    const torch::Tensor logits =
        model_.forward(device_.load(plan_, *batch, kernels::Augment{})).to(torch::kFloat32);
    const torch::Tensor labels = device_.load_labels(*batch);
    const auto sum = torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum);
    totals[0] += torch::nn::functional::cross_entropy(logits, labels, sum).item<double>();
    totals[1] += logits.argmax(1).eq(labels).sum().item<double>();
    totals[2] += batch->rows;
  }
  exchange_.sum(totals);
  return {.loss = totals[0] / totals[2], .accuracy = totals[1] / totals[2]};
}

}  // namespace ringtrain
