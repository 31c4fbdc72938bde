// SPDX-License-Identifier: Apache-2.0
// What the trainer trains: a zoo network (mlp, lenet5, lenet, resnet18, resnet34, resnet50) or any
// TorchScript file, behind one Model.
//
//   auto model = make_model({.name = "resnet18", .channels = 3, .height = 32, .width = 32,
//                            .classes = 10, .seed = 1});
//   model->train(true);
//   torch::Tensor logits = model->forward(x);
//
// A model belongs to the thread that trains it; none of its calls may overlap.
#pragma once

#include <torch/script.h>
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ringtrain {

// Sums the values over all ranks, in place, with the same result on every rank. Batch normalisation
// calls it in the same order on every rank, once per layer in forward and once in backward, from
// the thread that runs them (on CUDA, backward runs in autograd's thread of that device).
using SumOverRanks = std::function<void(std::span<double>)>;

struct ModelOptions {
  std::string name;             // of the zoo, or the path of a TorchScript file
  std::vector<int64_t> hidden;  // mlp alone: widths of the hidden layers; empty: 1024, 1024
  int64_t channels = 0;         // of one sample
  int64_t height = 0;
  int64_t width = 0;
  int64_t classes = 0;
  uint64_t seed = 1;  // the initial weights are a pure function of it (and of name and sizes)
  SumOverRanks sum_over_ranks;  // left empty: statistics of batch normalisation stay on this rank
};

struct NamedTensor {
  std::string name;
  torch::Tensor tensor;
};

class Model {
 public:
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  virtual ~Model() = default;

  // x: [rows, channels, height, width], normalised floats; returns logits [rows, classes]. With 0
  // rows it still takes part in sums over ranks, and its backward gives every parameter a gradient
  // of zeros.
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;

  // The trained tensors under the names of PyTorch's state_dict (for a ResNet, torchvision's),
  // always in the same order. They are the model's own leaves, fp32: set_data() on them re-points
  // the model.
  virtual std::vector<NamedTensor> parameters() const = 0;

  // What the state_dict holds beside them: running statistics, counters, frozen parameters.
  virtual std::vector<NamedTensor> buffers() const = 0;

  virtual void train(bool on) = 0;
  virtual void to(torch::Device device) = 0;

  // TorchScript of the model as it stands, for any number of rows: a deep copy on the CPU in eval
  // mode, with the same names for parameters and buffers. It sees nothing of later training steps.
  virtual torch::jit::Module script() const = 0;

  // Whether a training step normalises by the rows of this rank alone, so that the result depends
  // on the number of ranks. The trainer warns of it.
  virtual bool uses_local_batch_statistics() const = 0;
};

// Throws a job error for an unknown name, a file that is no usable TorchScript model, or a sample
// shape that does not fit the model.
std::unique_ptr<Model> make_model(const ModelOptions& options);

}  // namespace ringtrain
