// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/torchscript.hpp"

#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model_files/torchscript_kind.hpp"
#include "runtime/models/torch_error.hpp"

namespace ringtrain {
namespace {

// Layers of a model's graph that work differently in training.
struct ModeUse {
  bool batch_statistics = false;     // batch normalisation that uses them in training
  bool fixed_to_evaluation = false;  // some layer, as in a model that was traced in eval mode
  bool fixed_to_training = false;
};

void find_mode_use(const torch::jit::Block& block, ModeUse& use) {
  // The number of the argument that says whether the model is being trained.
  static const std::map<std::string, size_t> arguments{
      {"aten::batch_norm", 5},        {"aten::_batch_norm_impl_index", 5},
      {"aten::native_batch_norm", 5}, {"aten::cudnn_batch_norm", 5},
      {"aten::dropout", 2},           {"aten::feature_dropout", 2},
      {"aten::alpha_dropout", 2}};
  for (const torch::jit::Node* node : block.nodes()) {
    if (const auto found = arguments.find(node->kind().toQualString()); found != arguments.end()) {
      const auto training = torch::jit::toIValue(node->input(found->second));
      const bool fixed = training && training->isBool();
      if (found->second == 5 && (!fixed || training->toBool())) use.batch_statistics = true;
      if (fixed) (training->toBool() ? use.fixed_to_training : use.fixed_to_evaluation) = true;
    }
    for (const torch::jit::Block* inner : node->blocks()) find_mode_use(*inner, use);
  }
}

// Says why a file cannot be opened, from the exception of torch::jit::load.
std::string why_not_opened(const std::string& path, const std::exception& error) {
  const std::string other = model_files::why_not_torchscript(path);
  if (!other.empty()) return fmt::format("{}: {}", other, model_files::kHowToSaveTorchScript);
  return fmt::format("is not a TorchScript file that can be opened: {}", torch_cause(error));
}

// An operation that makes outputs of a loss' own last step, which are then used for it again.
enum class LastStep { none, softmax, log_softmax, sigmoid };

// Returns the operation that a value of a graph comes from; of a value that branches give, that of
// any of them.
LastStep last_step(const torch::jit::Value& value) {
  const torch::jit::Node& node = *value.node();
  if (node.kind() == torch::jit::prim::If) {
    for (const torch::jit::Block* branch : node.blocks()) {
      const LastStep found = last_step(*branch->outputs().at(value.offset()));
      if (found != LastStep::none) return found;
    }
    return LastStep::none;
  }
  static const std::map<std::string, LastStep> steps{{"aten::softmax", LastStep::softmax},
                                                     {"aten::log_softmax", LastStep::log_softmax},
                                                     {"aten::sigmoid", LastStep::sigmoid}};
  const auto found = steps.find(node.kind().toQualString());
  return found == steps.end() ? LastStep::none : found->second;
}

// Returns what outputs [rows, classes] look like: rows of probabilities, or of their logarithms.
LastStep looks_like(const at::Tensor& outputs) {
  if (outputs.size(1) < 2) return LastStep::none;
  const at::Tensor own = outputs.to(at::kFloat);
  const auto sums_to_one = [](const at::Tensor& rows) {
    return rows.sum(1).sub(1).abs().lt(1e-3).all().item<bool>();
  };
  if (own.ge(0).all().item<bool>() && sums_to_one(own)) return LastStep::softmax;
  if (own.le(0).all().item<bool>() && sums_to_one(own.exp())) return LastStep::log_softmax;
  return LastStep::none;
}

class TorchScriptModel final : public Model {
 public:
  TorchScriptModel(torch::jit::Module module, const ModelOptions& options)
      : module_(std::move(module)),
        file_(options.name),
        classes_(options.classes),
        has_targets_(options.has_targets) {
    const auto forward = module_.find_method("forward");
    if (!forward) throw job_error(fmt::format("model {}: it has no method forward", file_));
    try {
      const auto graph = forward->graph()->copy();
      torch::jit::Inline(*graph);
      find_mode_use(*graph->block(), mode_use_);
      if (graph->outputs().size() == 1) last_step_ = last_step(*graph->outputs().front());
    } catch (const c10::Error& error) {
      throw job_error(fmt::format("model {} cannot be read: {}", file_, torch_cause(error)));
    }
    collect_tensors();
    try_out(options);
  }

  at::Tensor forward(const at::Tensor& x) override {
    if (x.size(0) == 0) return no_rows(x);
    // The optimizing executor runs the first steps differently from later ones, so that a resumed
    // job would not repeat an uninterrupted one bit by bit.
    torch::jit::GraphOptimizerEnabledGuard plain(false);
    try {
      return module_.forward({x}).toTensor();
    } catch (const std::exception& error) {
      if (is_device_error(error)) throw;
      throw training_error(fmt::format("model {}: {}", file_, torch_cause(error)));
    }
  }

  std::vector<NamedTensor> parameters() const override { return parameters_; }
  std::vector<NamedTensor> buffers() const override { return buffers_; }
  void set_sum_over_ranks(const SumOverRanks&, const SumOnDevice&) override {}
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

  bool uses_local_batch_statistics() const override { return mode_use_.batch_statistics; }

  std::string warning() const override {
    std::string text = last_step_warning();
    if (mode_use_.fixed_to_evaluation || mode_use_.fixed_to_training) {
      if (!text.empty()) text += "; ";
      text += fmt::format(
          "its dropout or batch normalisation is fixed in {}, as torch.jit.trace leaves it; "
          "torch.jit.script(model).save(...) keeps both modes",
          mode_use_.fixed_to_evaluation ? "evaluation mode, so training goes without it"
                                        : "training mode, also for evaluation");
    }
    return text.empty() ? "" : fmt::format("model {}: {}", file_, text);
  }

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

  // Says that the loss does the model's last step itself.
  std::string last_step_warning() const {
    if (last_step_ == LastStep::none) return "";
    const char* const name = last_step_ == LastStep::softmax       ? "softmax"
                             : last_step_ == LastStep::log_softmax ? "log_softmax"
                                                                   : "sigmoid";
    if (has_targets_) {
      return fmt::format(
          "its last step is {}, but it is to return logits (loss bce_with_logits) or normalised "
          "targets (mean 0): leave {} out",
          name, name);
    }
    if (last_step_ == LastStep::log_softmax) {
      return "its last step is log_softmax, which the loss cross_entropy takes itself, here twice "
             "to no effect: leave it out";
    }
    return fmt::format(
        "its last step is {}, and the loss cross_entropy takes softmax itself, so that it "
        "learns badly: leave {} out and return logits",
        name, name);
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
        result = module_.forward({at::zeros({rows, options.channels, options.height, options.width},
                                            options.whole_numbers ? at::kLong : at::kFloat)});
      } catch (const std::exception& error) {
        throw job_error(
            fmt::format("model {} does not take the dataset's samples, {} tensor {}: {}", file_,
                        options.whole_numbers ? "an int64" : "a float", shape, torch_cause(error)));
      }
      if (!result.isTensor()) {
        throw job_error(fmt::format("model {} returns {} for {}, not one tensor of {} [{}, {}]",
                                    file_, result.tagKind(), shape,
                                    options.has_targets ? "floats" : "logits", rows, classes_));
      }
      const at::Tensor logits = result.toTensor();
      if (!logits.is_floating_point() || logits.sizes() != at::IntArrayRef({rows, classes_})) {
        std::ostringstream sizes;
        sizes << logits.sizes();
        throw job_error(
            fmt::format("model {} returns {} {} for {}, not {} [{}, {}] for the dataset's {}",
                        file_, c10::toString(logits.scalar_type()), sizes.str(), shape,
                        options.has_targets ? "floats" : "float logits", rows, classes_,
                        options.has_targets ? counted(classes_, "target")
                                            : counted(classes_, "class", "classes")));
      }
      const LastStep seen = has_targets_ ? LastStep::none : looks_like(logits);
      if (last_step_ == LastStep::none) last_step_ = seen;
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
  bool has_targets_;
  ModeUse mode_use_;
  LastStep last_step_ = LastStep::none;
  std::vector<NamedTensor> parameters_;
  std::vector<NamedTensor> buffers_;
};

}  // namespace

std::unique_ptr<Model> load_torchscript(const ModelOptions& options) {
  torch::jit::Module module;
  try {
    module = torch::jit::load(options.name, at::kCPU);
  } catch (const std::exception& error) {
    throw job_error(fmt::format("model {} {}", options.name, why_not_opened(options.name, error)));
  }
  return std::make_unique<TorchScriptModel>(std::move(module), options);
}

}  // namespace ringtrain
