// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/captured_step.hpp"

#include <ATen/Context.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "runtime/models/torch_error.hpp"

namespace ringtrain {
namespace {

// After these steps libraries have chosen their algorithms, TorchScript has compiled, and the
// device's arrays have their sizes.
constexpr int kEagerSteps = 3;

// Relative. Libraries may add up in a different order in every run.
constexpr double kTolerance = 1e-3;

bool nearly(double a, double b, double scale) { return std::abs(a - b) <= kTolerance * scale; }

// Copies of tensors' values, to restore them from.
class SavedTensors {
 public:
  explicit SavedTensors(const std::vector<NamedTensor>& tensors) : tensors_(tensors) {
    for (const auto& [name, tensor] : tensors_) values_.push_back(tensor.detach().clone());
  }
  void restore() {
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < tensors_.size(); ++i) tensors_[i].tensor.copy_(values_[i]);
  }

 private:
  std::vector<NamedTensor> tensors_;
  std::vector<at::Tensor> values_;
};

}  // namespace

struct CapturedStep::Outcome {
  double loss = 0;
  std::vector<kernels::GradientStats> gradients;

  bool finite() const {
    bool all = std::isfinite(loss);
    for (const auto& gradient : gradients) all = all && gradient.finite;
    return all;
  }

  bool matches(const Outcome& other) const {
    if (gradients.size() != other.gradients.size()) return false;
    double largest = 0;
    for (const auto& g : other.gradients) largest = std::max(largest, std::sqrt(g.squared_norm));
    bool equal = nearly(loss, other.loss, std::abs(other.loss));
    for (size_t i = 0; i < gradients.size(); ++i) {
      const double norm = std::sqrt(gradients[i].squared_norm);
      const double theirs = std::sqrt(other.gradients[i].squared_norm);
      // A gradient that nearly cancels out may be all rounding error.
      const double scale = theirs + kTolerance * largest;
      equal = equal && gradients[i].finite && nearly(norm, theirs, scale);
    }
    return equal;
  }
};

CapturedStep::CapturedStep(Pass pass, bool enabled, Device& device, Model& model,
                           GradientAverager& averager, std::function<void(const std::string&)> log)
    : pass_(std::move(pass)),
      enabled_(enabled && device.records()),
      device_(device),
      model_(model),
      averager_(averager),
      log_(std::move(log)) {}

at::Tensor CapturedStep::run(const Step& step) {
  if (graph_ != nullptr && fits(step)) {
    if (!step.inputs.is_same(inputs_)) inputs_.copy_(step.inputs);
    if (!step.labels.is_same(labels_)) labels_.copy_(step.labels);
    at::manual_seed(step.seed);
    graph_->replay();
    averager_.replayed(arrived_);
    return loss_;
  }
  if (capture_due(step) && capture(step)) return loss_;
  return run_eagerly(step);
}

CapturedStep::Reads CapturedStep::reads(int64_t rows) const {
  if (graph_ == nullptr || inputs_.size(0) != rows) return {};
  return {.inputs = inputs_, .labels = labels_};
}

bool CapturedStep::fits(const Step& step) const {
  return inputs_.defined() && step.inputs.sizes() == inputs_.sizes() && step.scale == scale_;
}

// Also counts the steps of one size.
bool CapturedStep::capture_due(const Step& step) {
  if (!enabled_ || graph_ != nullptr || step.inputs.size(0) == 0) return false;
  if (model_.waits_for_ranks()) return false;
  same_size_in_a_row_ = fits(step) ? same_size_in_a_row_ + 1 : 1;
  inputs_ = step.inputs;
  scale_ = step.scale;
  return same_size_in_a_row_ > kEagerSteps;
}

at::Tensor CapturedStep::run_eagerly(const Step& step) {
  at::manual_seed(step.seed);
  return pass_(step.inputs, step.labels, [&](const at::Tensor& loss) {
    averager_.begin(step.scale);
    loss.backward();
  });
}

// Stores gradients without handing them to the other ranks.
at::Tensor CapturedStep::run_aside(const at::Tensor& inputs, const at::Tensor& labels,
                                   float scale) {
  return pass_(inputs, labels, [&](const at::Tensor& loss) {
    arrived_ = averager_.store_aside(scale, [&] { loss.backward(); });
  });
}

CapturedStep::Outcome CapturedStep::outcome(const at::Tensor& loss) {
  return {.loss = loss.item<double>(), .gradients = device_.collect_stats()};
}

// Passes that sum over the ranks keep to one number of them on every rank.
bool CapturedStep::on_every_rank(bool mine) {
  return model_.sums_over_ranks() ? averager_.on_every_rank(mine) : mine;
}

// Does a part of a capture. Returns why this, or another rank's, failed; empty if none did. A step
// that cannot be captured shows as an error of torch, of CUDA or of the collectives.
std::string CapturedStep::attempt(const std::function<void()>& work) {
  std::string cause;
  try {
    work();
  } catch (const std::exception& error) {
    cause = torch_cause(error);
  }
  if (!on_every_rank(cause.empty()) && cause.empty()) return "another rank cannot";
  return cause;
}

// Captures the step and replays it. Returns false, with nothing changed, if that was not possible.
bool CapturedStep::capture(const Step& step) {
  SavedTensors buffers(model_.buffers());  // running statistics
  Outcome eager;
  std::unique_ptr<Recording> graph;
  std::string cause = attempt([&] {
    at::manual_seed(step.seed);
    eager = outcome(run_aside(step.inputs, step.labels, step.scale));
    buffers.restore();
  });
  if (cause.empty() && !on_every_rank(eager.finite())) return false;  // a later step will do
  if (cause.empty()) {
    cause = attempt([&] {
      inputs_ = step.inputs.clone();
      labels_ = step.labels.clone();
      graph = device_.record([this] { loss_ = run_aside(inputs_, labels_, scale_); });
    });
  }
  if (cause.empty()) {
    cause = attempt([&] {
      at::manual_seed(step.seed);
      graph->replay();
      if (!outcome(loss_).matches(eager)) {
        throw std::runtime_error("its gradients differ from those of the same step run eagerly");
      }
    });
  }
  if (cause.empty()) {
    graph_ = std::move(graph);
    averager_.replayed(arrived_);
    return true;
  }
  enabled_ = false;
  for (const auto& parameter : model_.parameters()) parameter.tensor.mutable_grad().reset();
  device_.collect_stats();
  buffers.restore();
  log_(fmt::format("steps are not captured as a CUDA graph, but run kernel by kernel: {}", cause));
  return false;
}

}  // namespace ringtrain
