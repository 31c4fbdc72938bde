// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/captured_step.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>
#include <utility>

namespace ringtrain {
namespace {

// By then libraries have chosen their algorithms, TorchScript has compiled, and the device's arrays
// have their sizes.
constexpr int kPlainStepsFirst = 3;

// Libraries may add up in another order in every run.
constexpr double kTolerance = 1e-3;

bool nearly(double a, double b, double scale) { return std::abs(a - b) <= kTolerance * scale; }

// The values of tensors, to be given back.
class Kept {
 public:
  explicit Kept(const std::vector<NamedTensor>& tensors) : tensors_(tensors) {
    for (const auto& [name, tensor] : tensors_) values_.push_back(tensor.detach().clone());
  }
  void give_back() {
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < tensors_.size(); ++i) tensors_[i].tensor.copy_(values_[i]);
  }

 private:
  std::vector<NamedTensor> tensors_;
  std::vector<torch::Tensor> values_;
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

struct RecordedPass::Found {
  double loss = 0;
  std::vector<kernels::GradientStats> gradients;

  bool finite() const {
    bool all = std::isfinite(loss);
    for (const auto& gradient : gradients) all = all && gradient.finite;
    return all;
  }

  bool like(const Found& other) const {
    if (gradients.size() != other.gradients.size()) return false;
    double largest = 0;
    for (const auto& g : other.gradients) largest = std::max(largest, std::sqrt(g.squared_norm));
    bool alike = nearly(loss, other.loss, std::abs(other.loss));
    for (size_t i = 0; i < gradients.size(); ++i) {
      const double norm = std::sqrt(gradients[i].squared_norm);
      const double theirs = std::sqrt(other.gradients[i].squared_norm);
      // What nearly cancels out may be all rounding.
      const double scale = theirs + kTolerance * largest;
      alike = alike && gradients[i].finite && nearly(norm, theirs, scale);
    }
    return alike;
  }
};

RecordedPass::RecordedPass(Pass pass, bool wanted, Device& device, Model& model,
                           GradientAverager& averager, std::function<void(const std::string&)> log)
    : pass_(std::move(pass)),
      wanted_(wanted && device.records()),
      device_(device),
      model_(model),
      averager_(averager),
      log_(std::move(log)) {}

torch::Tensor RecordedPass::run(const Step& step) {
  if (recording_ != nullptr && fits(step)) {
    inputs_.copy_(step.inputs);
    labels_.copy_(step.labels);
    torch::manual_seed(step.seed);
    recording_->replay();
    averager_.replayed(arrived_);
    return loss_;
  }
  if (due(step) && record(step)) return loss_;
  return run_plainly(step);
}

bool RecordedPass::fits(const Step& step) const {
  return inputs_.defined() && step.inputs.sizes() == inputs_.sizes() && step.scale == scale_;
}

// Counts steps, too.
bool RecordedPass::due(const Step& step) {
  if (!wanted_ || recording_ != nullptr || step.inputs.size(0) == 0) return false;
  alike_in_a_row_ = fits(step) ? alike_in_a_row_ + 1 : 1;
  inputs_ = step.inputs;
  scale_ = step.scale;
  return alike_in_a_row_ > kPlainStepsFirst;
}

torch::Tensor RecordedPass::run_plainly(const Step& step) {
  torch::manual_seed(step.seed);
  return pass_(step.inputs, step.labels, [&](const torch::Tensor& loss) {
    averager_.begin(step.scale);
    loss.backward();
  });
}

torch::Tensor RecordedPass::pass_aside(const torch::Tensor& inputs, const torch::Tensor& labels,
                                       float scale) {
  return pass_(inputs, labels, [&](const torch::Tensor& loss) {
    arrived_ = averager_.store_aside(scale, [&] { loss.backward(); });
  });
}

RecordedPass::Found RecordedPass::found(const torch::Tensor& loss) {
  return {.loss = loss.item<double>(), .gradients = device_.collect_stats()};
}

// True where the step is done, by the recording. Else nothing has happened.
bool RecordedPass::record(const Step& step) {
  Kept buffers(model_.buffers());  // running statistics
  try {
    torch::manual_seed(step.seed);
    const Found plain = found(pass_aside(step.inputs, step.labels, step.scale));
    buffers.give_back();
    if (!plain.finite()) return false;  // a later step will do

    inputs_ = step.inputs.clone();
    labels_ = step.labels.clone();
    auto recording = device_.record([this] { loss_ = pass_aside(inputs_, labels_, scale_); });
    torch::manual_seed(step.seed);
    recording->replay();
    if (!found(loss_).like(plain)) {
      throw std::runtime_error("its gradients differ from those of the same step run plainly");
    }
    recording_ = std::move(recording);
    averager_.replayed(arrived_);
    return true;
  } catch (const std::exception& error) {
    // What cannot be recorded shows as an error of torch, of CUDA or of the exchange.
    wanted_ = false;
    for (const auto& parameter : model_.parameters()) parameter.tensor.mutable_grad().reset();
    device_.collect_stats();
    buffers.give_back();
    log_(fmt::format(
        "steps are not recorded as a CUDA graph, but run one kernel after the other: {}",
        first_line(error.what())));
    return false;
  }
}

}  // namespace ringtrain
