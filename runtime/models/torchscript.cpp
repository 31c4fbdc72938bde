// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/torchscript.hpp"

#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <set>
#include <sstream>
#include <utility>

#include "base/error.hpp"

namespace ringtrain {
namespace {

// Returns true if a node of the block normalises by batch statistics in training mode. A model that
// was traced in eval mode has `training` fixed to false and never does.
bool normalises_by_batch(const torch::jit::Block& block) {
  static const std::set<std::string> kinds{"aten::batch_norm", "aten::_batch_norm_impl_index",
                                           "aten::native_batch_norm", "aten::cudnn_batch_norm"};
  for (const torch::jit::Node* node : block.nodes()) {
    if (kinds.contains(node->kind().toQualString())) {
      const auto training = torch::jit::toIValue(node->input(5));
      if (!training || training->toBool()) return true;
    }
    for (const torch::jit::Block* inner : node->blocks()) {
      if (normalises_by_batch(*inner)) return true;
    }
  }
  return false;
}

class TorchScriptModel final : public Model {
 public:
  TorchScriptModel(torch::jit::Module module, const ModelOptions& options)
      : module_(std::move(module)), file_(options.name), classes_(options.classes) {
    const auto forward = module_.find_method("forward");
    if (!forward) throw job_error(fmt::format("model {}: it has no method forward", file_));
    try {
      const auto graph = forward->graph()->copy();
      torch::jit::Inline(*graph);
      local_statistics_ = normalises_by_batch(*graph->block());
    } catch (const c10::Error& error) {
      throw job_error(fmt::format("model {} cannot be read: {}", file_, first_line(error)));
    }
    collect_tensors();
    try_out(options);
  }

  at::Tensor forward(const at::Tensor& x) override {
    if (x.size(0) == 0) return no_rows(x);
    // The optimizing executor runs the first steps differently from later ones, so that a resumed
    // job would not repeat an uninterrupted one bit by bit.
    torch::jit::GraphOptimizerEnabledGuard plain(false);
    return module_.forward({x}).toTensor();
  }

  std::vector<NamedTensor> parameters() const override { return parameters_; }
  std::vector<NamedTensor> buffers() const override { return buffers_; }
  void set_sum_over_ranks(const SumOverRanks& /*sum*/) override {}
  void train(bool on) override { module_.train(on); }
  void to(at::Device device) override {
    module_.to(device);
    collect_tensors();
  }

  torch::jit::Module script() const override {
    at::NoGradGuard no_grad;
    torch::jit::Module copy = module_.deepcopy();
    copy.to(at::kCPU);
    copy.eval();
    std::set<std::string> trained;
    for (const auto& parameter : parameters_) trained.insert(parameter.name);
    for (const auto& item : copy.named_parameters()) {
      item.value.set_requires_grad(trained.contains(item.name));
    }
    return copy;
  }

  bool uses_local_batch_statistics() const override { return local_statistics_; }

 private:
  // A tensor with two names (tied weights) is one parameter, under its first name.
  void collect_tensors() {
    parameters_.clear();
    buffers_.clear();
    std::set<const c10::TensorImpl*> seen;
    for (const auto& item : module_.named_parameters()) {
      if (!seen.insert(item.value.unsafeGetTensorImpl()).second) continue;
      if (!item.value.requires_grad()) {
        buffers_.push_back({item.name, item.value});
        continue;
      }
      if (item.value.scalar_type() != at::kFloat) {
        throw job_error(fmt::format("model {}: parameter {} is {}; export the model in float32",
                                    file_, item.name, c10::toString(item.value.scalar_type())));
      }
      parameters_.push_back({item.name, item.value});
    }
    for (const auto& item : module_.named_buffers()) buffers_.push_back({item.name, item.value});
    if (parameters_.empty()) {
      throw job_error(
          fmt::format("model {} has no parameter that can be trained; was it frozen, or "
                      "exported with requires_grad off?",
                      file_));
    }
  }

  // Runs the model on two batch sizes, as a traced model can have its example's size built in.
  void try_out(const ModelOptions& options) {
    at::NoGradGuard no_grad;
    module_.eval();
    for (const int64_t rows : {2, 3}) {
      const auto shape =
          fmt::format("[{}, {}, {}, {}]", rows, options.channels, options.height, options.width);
      torch::jit::IValue result;
      try {
        torch::jit::GraphOptimizerEnabledGuard plain(false);
        result =
            module_.forward({at::zeros({rows, options.channels, options.height, options.width})});
      } catch (const std::exception& error) {
        throw job_error(
            fmt::format("model {} does not take the dataset's samples, a float tensor {}: {}",
                        file_, shape, first_line(error)));
      }
      if (!result.isTensor()) {
        throw job_error(fmt::format("model {} returns {} for {}, not one tensor of logits [{}, {}]",
                                    file_, result.tagKind(), shape, rows, options.classes));
      }
      const at::Tensor logits = result.toTensor();
      if (!logits.is_floating_point() || logits.sizes() != at::IntArrayRef({rows, classes_})) {
        std::ostringstream sizes;
        sizes << logits.sizes();
        throw job_error(
            fmt::format("model {} returns {} {} for {}; the dataset's {} classes need float "
                        "logits [{}, {}]",
                        file_, c10::toString(logits.scalar_type()), sizes.str(), shape, classes_,
                        rows, classes_));
      }
    }
    module_.train();
  }

  // Many models cannot run on 0 rows (x.view(x.size(0), -1) is ambiguous there). Returns no logits
  // instead, with zeros for the gradient of every parameter.
  at::Tensor no_rows(const at::Tensor& x) const {
    at::Tensor nothing = at::zeros({}, x.options().dtype(at::kFloat));
    for (const auto& parameter : parameters_) {
      nothing = nothing + parameter.tensor.flatten().slice(0, 0, 0).sum();
    }
    return nothing.expand({0, classes_});
  }

  torch::jit::Module module_;
  std::string file_;
  int64_t classes_;
  bool local_statistics_ = false;
  std::vector<NamedTensor> parameters_;
  std::vector<NamedTensor> buffers_;
};

}  // namespace

std::unique_ptr<Model> load_torchscript(const ModelOptions& options) {
  torch::jit::Module module;
  try {
    module = torch::jit::load(options.name, at::kCPU);
  } catch (const std::exception& error) {
    throw job_error(fmt::format("model {} is not a TorchScript file that can be opened: {}",
                                options.name, first_line(error)));
  }
  return std::make_unique<TorchScriptModel>(std::move(module), options);
}

std::string first_line(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string text = torch_error ? torch_error->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
}

}  // namespace ringtrain
