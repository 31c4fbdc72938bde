// SPDX-License-Identifier: Apache-2.0
// The model that is trained: a zoo network (mlp, lenet5, lenet, resnet18, resnet34, resnet50) or
// any TorchScript file, behind one interface.
//
//   auto model = make_model({.name = "resnet18", .channels = 3, .height = 32, .width = 32,
//                            .classes = 10, .seed = 1});
//   model->train(true);
//   at::Tensor logits = model->forward(x);
//
// Thread: one at a time, the one that trains.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace torch::jit {
struct Module;
}

namespace ringtrain {

// Sums the values over all ranks, in place, with the same result on every rank.
using SumOverRanks = std::function<void(std::span<double>)>;

// The same as work of a GPU, in the order of torch's current stream: nothing waits on the host, so
// that it can be a part of a CUDA graph.
struct SumOnDevice {
  int rank = 0;
  int ranks = 1;
  // Starts to sum a dense tensor of floats over the ranks, in place. Empty: there is no such sum.
  std::function<void(const at::Tensor& floats)> start = {};
};

struct ModelOptions {
  std::string name;             // name in the zoo, or path of a TorchScript file
  std::vector<int64_t> hidden;  // mlp alone: widths of the hidden layers; empty: 1024, 1024
  // Resnets alone: first layers for small images, or for large ones; empty: by the samples' size.
  std::optional<bool> small_stem = {};
  int64_t channels = 0;  // of one sample
  int64_t height = 0;
  int64_t width = 0;
  int64_t classes = 0;         // width of the outputs: classes, or targets
  bool has_targets = false;    // for messages
  bool whole_numbers = false;  // samples are int64, for TorchScript files alone
  uint64_t seed = 1;  // the initial weights are a pure function of it (and of name and sizes)
};

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

class Model {
 public:
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  virtual ~Model() = default;

  // x: [rows, channels, height, width], normalised floats, or int64 as they are in the dataset;
  // returns logits [rows, classes], or [rows, targets] for normalised targets. With 0
  // rows it still takes part in sums over ranks, and its backward gives every parameter a gradient
  // of zeros.
  virtual at::Tensor forward(const at::Tensor& x) = 0;

  // The trained tensors under the names of PyTorch's state_dict (for a ResNet, torchvision's),
  // always in the same order. They are the model's own leaves, fp32: set_data() on them re-points
  // the model.
  virtual std::vector<NamedTensor> parameters() const = 0;

  // The other tensors of the state_dict: running statistics, counters, frozen parameters.
  virtual std::vector<NamedTensor> buffers() const = 0;

  // Makes batch normalisation take its statistics over the samples of all ranks, so that the result
  // does not depend on their number; an empty function: over those of this rank. In training,
  // `sum`, or `on_device` where there is one, is called in the same order on every rank, once per
  // layer in forward and once in backward, by the thread that runs them (on CUDA, backward runs in
  // autograd's thread of that device). Without effect on TorchScript files.
  virtual void set_sum_over_ranks(const SumOverRanks& sum, const SumOnDevice& on_device = {}) = 0;

  virtual void train(bool on) = 0;
  virtual void to(at::Device device) = 0;

  // Returns the model's current state as TorchScript, for any number of rows: a deep copy on the
  // CPU in eval mode, with the same names for parameters and buffers.
  virtual torch::jit::Module script() const = 0;

  // True if a training step normalises by the rows of this rank alone, so that the result depends
  // on the number of ranks.
  virtual bool uses_local_batch_statistics() const = 0;

  // True if the host waits for other ranks in the middle of a pass of training: such a step cannot
  // be captured as a CUDA graph.
  virtual bool waits_for_ranks() const { return false; }
  // True if passes of training sum over the ranks, so that each rank has to run the same number.
  virtual bool sums_over_ranks() const { return false; }

  // Returns what is probably not meant in the model's file, one line; empty if nothing.
  virtual std::string warning() const = 0;
};

// Throws a job error for an unknown name, a file that is no usable TorchScript model, or samples
// that do not fit the model.
std::unique_ptr<Model> make_model(const ModelOptions& options);

// Returns the model's name for a log line, with the first layers of a resnet, which depend on the
// samples' size.
std::string describe_model(const ModelOptions& options);

}  // namespace ringtrain
