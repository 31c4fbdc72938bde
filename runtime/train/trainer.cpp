// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/trainer.hpp"

#include <algorithm>

#include "base/stopwatch.hpp"
#include "datasets/reading/order.hpp"
#include "runtime/models/autocast.hpp"

namespace ringtrain {

Result Trainer::train() {
  progress_.start();
  if (losses_.on()) checkpoints_.remember(trained(), step_);
  while (!done()) {
    if (!in_epoch_) begin_epoch();
    const bool epoch_over = train_on();
    if (epoch_over && !checkpoints_.stopping()) close_epoch();
    if (checkpoints_.called() || (done() && checkpoints_.regular())) take_checkpoint();
    if (checkpoints_.stopping()) break;
  }
  return result();
}

// Where in its epoch the run stands follows from the step.
void Trainer::begin_epoch() {
  epoch_ = step_ / length_.steps_per_epoch;
  const bool waits_for_its_end =
      step_ > 0 && step_ == epoch_ * length_.steps_per_epoch && closed_step_ < step_;
  if (waits_for_its_end) --epoch_;
  const int64_t position = (step_ - epoch_ * length_.steps_per_epoch) * job_.batch_size;
  train_reader_.start(epoch_, std::min(static_cast<uint64_t>(position), plan_.train.rows));
  in_epoch_ = true;
}

// To the end of the epoch (true), or until a checkpoint is called for.
bool Trainer::train_on() {
  const Stopwatch stopwatch(train_seconds_);
  const double exposed_before = ranks().exposed_seconds();
  model_.train(true);
  stragglers_.start(seconds_now() - exposed_before);
  bool over = step_ >= length_.steps;
  while (!over && !checkpoints_.called()) {
    Span phase(trace_, "data wait");
    const datasets::Batch* batch = train_reader_.next();
    phase.next("step");
    if (batch != nullptr) local_sgd_ ? train_step_alone(*batch) : train_step(*batch);
    over = batch == nullptr || step_ == length_.steps || step_ % length_.steps_per_epoch == 0;
  }
  train_exposed_seconds_ += ranks().exposed_seconds() - exposed_before;
  return over;
}

void Trainer::train_step(const datasets::Batch& batch) {
  std::vector<double> totals = {forward_and_backward(batch)};  // gradients go their way meanwhile
  checkpoints_.ask(step_ + 1, totals);
  stragglers_.ask(seconds_now() - ranks().exposed_seconds(), totals);
  Span phase(trace_, "agree");
  const bool finite = averager_.finish(totals);
  stragglers_.hear(totals);
  checkpoints_.hear(totals);
  const double loss = totals[0] / static_cast<double>(batch.global_rows);
  if (!finite) {
    note_skipped_step();
  } else if (losses_.is_spike(loss)) {
    roll_back(loss);
  } else {
    phase.next("optimizer");
    optimizer_.step(averager_, schedule_.learning_rate(step_));
    skipped_in_a_row_ = 0;
    progress_.step_done(epoch_, step_ + 1, totals[0], batch.global_rows);
  }
  if (const auto slow = stragglers_.take_news()) progress_.straggler(*slow);
  ++step_;
}

// Local SGD: a step that this rank takes by itself, and every so many the mean over all ranks.
void Trainer::train_step_alone(const datasets::Batch& batch) {
  loss_alone_ += forward_and_backward(batch);
  samples_alone_ += batch.global_rows;
  std::vector<double> nothing;
  if (averager_.finish(nothing)) {
    optimizer_.step(averager_, schedule_.learning_rate(step_));
    skipped_in_a_row_ = 0;
  } else {
    note_skipped_step();
  }
  ++step_;
  const bool epoch_over = step_ % length_.steps_per_epoch == 0 || step_ == length_.steps;
  if (step_ % job_.communication.sync_every == 0 || epoch_over) average_ranks();
}

void Trainer::average_ranks() {
  local_sgd_->average(arrays());
  average_local_statistics();
  std::vector<double> totals = {loss_alone_};
  checkpoints_.ask(step_, totals);
  ranks().sum(totals);
  checkpoints_.hear(totals);
  progress_.step_done(epoch_, step_, totals[0], samples_alone_);
  loss_alone_ = 0;
  samples_alone_ = 0;
}

void Trainer::close_epoch() {
  const bool last = step_ == length_.steps;
  const bool due = job_.evaluate_every_epochs > 0 && (epoch_ + 1) % job_.evaluate_every_epochs == 0;
  evaluation_.reset();
  if ((last || due) && plan_.test.rows > 0) {
    evaluation_ = evaluate();
    if (checkpoints_.stopping()) return;  // perhaps before its end: a resumed run evaluates anew
  }
  progress_.epoch_done(epoch_, step_, schedule_.learning_rate(step_ - 1), evaluation_,
                       stragglers_.slowest_of_epoch());
  closed_step_ = step_;
  in_epoch_ = false;
}

// Logits, [rows, classes] in fp32.
torch::Tensor Trainer::forward(const torch::Tensor& inputs) {
  const Autocast autocast(job_.precision == JobSpec::Precision::bf16, device_.torch().type());
  return model_.forward(inputs).to(torch::kFloat32);
}

// The sum of the losses of this rank's samples; gradients leave on the way.
double Trainer::forward_and_backward(const datasets::Batch& batch) {
  const kernels::Augment augment = {.crop_padding = job_.augment.crop_padding,
                                    .horizontal_flip = job_.augment.horizontal_flip,
                                    .seed = job_.seed,
                                    .epoch = static_cast<uint64_t>(epoch_)};
  Span phase(trace_, "load");
  const torch::Tensor inputs = device_.load(plan_, batch, augment);
  const torch::Tensor labels = device_.load_labels(batch);
  phase.next("forward and backward");
  const uint64_t averaged = local_sgd_ ? std::max<uint64_t>(batch.rows, 1) : batch.global_rows;
  // What a model draws (dropout) is a function of the place in the run, too.
  const uint64_t seed =
      datasets::mix(job_.seed, static_cast<uint64_t>(epoch_), batch.first_position);
  const torch::Tensor loss = passes_.run({.inputs = inputs,
                                          .labels = labels,
                                          .scale = 1.0F / static_cast<float>(averaged),
                                          .seed = seed});
  return loss.item<double>();
}

// Under `accumulate` the samples are taken in so many parts, one backward pass each.
torch::Tensor Trainer::forward_and_backward_in_parts(const torch::Tensor& inputs,
                                                     const torch::Tensor& labels,
                                                     const RecordedPass::LastBackward& last) {
  const int64_t rows = inputs.size(0);
  torch::Tensor total;
  for (int64_t part = 0; part < job_.accumulate; ++part) {
    const int64_t begin = rows * part / job_.accumulate;
    const int64_t end = rows * (part + 1) / job_.accumulate;
    Span phase(trace_, "forward");
    const torch::Tensor logits = forward(inputs.slice(0, begin, end));
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

Evaluation Trainer::evaluate() {
  const Stopwatch stopwatch(evaluate_seconds_);
  const Span span(trace_, "evaluation");
  const torch::NoGradGuard no_grad;
  progress_.evaluating(static_cast<int64_t>(plan_.test.rows) / job_.batch_size + 1);
  average_local_statistics();
  model_.train(false);
  std::vector<double> totals(3);  // loss, correct, samples
  test_reader_.start(0);
  for (const datasets::Batch* batch = test_reader_.next(); batch != nullptr;
       batch = test_reader_.next()) {
    if (checkpoints_.stop_asked_here()) break;  // the sum below will tell the others
    if (batch->rows == 0) continue;
    const torch::Tensor logits = forward(device_.load(plan_, *batch, kernels::Augment{}));
    const torch::Tensor labels = device_.load_labels(*batch);
    const auto sum = torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum);
    totals[0] += torch::nn::functional::cross_entropy(logits, labels, sum).item<double>();
    totals[1] += logits.argmax(1).eq(labels).sum().item<double>();
    totals[2] += batch->rows;
  }
  checkpoints_.ask(step_, totals);
  ranks().sum(totals);
  checkpoints_.hear(totals);
  return {.loss = totals[0] / totals[2], .accuracy = totals[1] / totals[2]};
}

}  // namespace ringtrain
