// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/model.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/_foreach_add.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.hpp"
#include "job/models.hpp"
#include "runtime/models/batch_norm.hpp"
#include "runtime/models/lenet.hpp"
#include "runtime/models/mlp.hpp"
#include "runtime/models/resnet.hpp"
#include "runtime/models/torch_error.hpp"
#include "runtime/models/torchscript.hpp"

namespace ringtrain {
namespace {

class ZooModel final : public Model {
 public:
  explicit ZooModel(std::shared_ptr<Layer> net) : net_(std::move(net)) {
    for (const auto& layer : net_->modules()) {
      const auto* const batch_norm = layer->as<BatchNorm2d>();
      if (batch_norm != nullptr) counters_.push_back(batch_norm->batches_counter());
    }
    set_sum_over_ranks({}, {});
  }

  at::Tensor forward(const at::Tensor& x) override {
    if (net_->is_training() && !counters_.empty()) {
      const at::NoGradGuard no_grad;
      at::_foreach_add_(counters_, 1);
    }
    return net_->forward(x);
  }
  std::vector<NamedTensor> parameters() const override { return list(net_->named_parameters()); }
  std::vector<NamedTensor> buffers() const override { return list(net_->named_buffers()); }
  void set_sum_over_ranks(const SumOverRanks& sum, const SumOnDevice& on_device) override {
    local_statistics_ = waits_for_ranks_ = sums_over_ranks_ = false;
    for (const auto& layer : net_->modules()) {
      auto* const batch_norm = layer->as<BatchNorm2d>();
      if (batch_norm == nullptr) continue;
      batch_norm->set_sum_over_ranks(sum, on_device);
      sums_over_ranks_ = static_cast<bool>(sum);
      local_statistics_ = !sum;
      waits_for_ranks_ = sum && !on_device.start;
    }
  }
  void train(bool on) override { net_->train(on); }
  void to(at::Device device) override { net_->to(device); }
  torch::jit::Module script() const override { return to_torchscript(*net_); }
  bool uses_local_batch_statistics() const override { return local_statistics_; }
  bool waits_for_ranks() const override { return waits_for_ranks_; }
  bool sums_over_ranks() const override { return sums_over_ranks_; }
  std::string warning() const override { return ""; }

 private:
  static std::vector<NamedTensor> list(const torch::OrderedDict<std::string, at::Tensor>& tensors) {
    std::vector<NamedTensor> named;
    named.reserve(tensors.size());
    for (const auto& item : tensors) named.push_back({item.key(), item.value()});
    return named;
  }

  std::shared_ptr<Layer> net_;
  std::vector<at::Tensor> counters_;  // of each batch normalisation's batches
  bool local_statistics_ = false;
  bool waits_for_ranks_ = false;
  bool sums_over_ranks_ = false;
};

std::shared_ptr<Layer> make_net(const ModelOptions& options, at::Generator& generator) {
  if (options.name == "mlp") return make_mlp(options, generator);
  if (options.name == "lenet5") return make_lenet5(options, generator);
  if (options.name == "lenet") return make_lenet(options, generator);
  if (options.name == "resnet18") return make_resnet(18, options, generator);
  if (options.name == "resnet34") return make_resnet(34, options, generator);
  if (options.name == "resnet50") return make_resnet(50, options, generator);
  return nullptr;
}

}  // namespace

std::unique_ptr<Model> make_model(const ModelOptions& options) {
  if (std::min({options.channels, options.height, options.width, options.classes}) < 1) {
    throw job_error(fmt::format(
        "model {}: samples of {} x {} x {} with {} outputs cannot be trained on", options.name,
        options.channels, options.height, options.width, options.classes));
  }
  if (!options.hidden.empty() && options.name != "mlp") {
    throw job_error(
        fmt::format("hidden: is for model mlp alone, not for {}: remove it", options.name));
  }
  try {
    // A generator of its own: no other use of random numbers changes the weights.
    at::Generator generator = at::detail::createCPUGenerator(options.seed);
    if (auto net = make_net(options, generator)) {
      return std::make_unique<ZooModel>(std::move(net));
    }
  } catch (const c10::Error& error) {
    throw job_error(fmt::format("model {} cannot be built: {}", options.name, torch_cause(error)));
  }
  if (std::filesystem::is_regular_file(options.name)) return load_torchscript(options);
  throw job_error(
      fmt::format("model {} is neither a file nor one of {}", options.name, zoo_model_list()));
}

std::string describe_model(const ModelOptions& options) {
  if (!is_zoo_model(options.name) || !options.name.starts_with("resnet")) return options.name;
  return fmt::format("{} with the stem for {} images ({})", options.name,
                     has_small_stem(options) ? "small" : "large",
                     has_small_stem(options) ? "3x3" : "7x7, stride 2, pooling");
}

}  // namespace ringtrain
