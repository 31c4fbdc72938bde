// SPDX-License-Identifier: Apache-2.0
// The architecture of a Keras model: the model_config of an .h5 file, as Keras 2 and 3 write it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ringtrain::model_files::keras {

enum class Kind {
  conv2d,
  dense,
  max_pooling2d,
  average_pooling2d,
  flatten,
  dropout,
  batch_normalization,
  relu,
  sigmoid,
  tanh,
};

// Height and width.
using Extent = std::array<int64_t, 2>;

// A step of the network. An activation that a layer of Keras contains is a step of its own.
struct Layer {
  Kind kind = Kind::relu;
  std::string name;  // Keras' own, made an identifier; empty for an activation
  int64_t in = 0;    // channels or features
  int64_t out = 0;
  Extent window = {1, 1};  // of convolutions and pools, with stride and the padding on either side
  Extent stride = {1, 1};
  Extent padding = {0, 0};
  bool has_bias = false;  // conv2d, dense
  double epsilon = 0;     // batch_normalization
  double momentum = 0;    // the same, of Keras: the share of the old mean that stays
  double rate = 0;        // dropout
  // Behind a Flatten: height, width and channels of what was flattened. Keras' features are in this
  // order, those of NCHW in that of channels, height, width. Zeros elsewhere.
  std::array<int64_t, 3> flattened = {0, 0, 0};
};

struct Network {
  std::array<int64_t, 3> sample = {0, 0,
                                   0};  // channels, height, width; [features, 1, 1] of a table
  std::vector<Layer> layers;
  int64_t outputs = 0;
  std::string last_activation;  // "softmax" or "sigmoid", which the loss contains; or empty
};

// Reads a model_config. source: the file's name. Throws a data error that names the file and the
// layer: not a Sequential model, a layer without a counterpart, options that differ from it.
Network parse_network(const std::string& model_config, const std::string& source);

// One array of a layer.
struct Weight {
  std::string name;                  // "conv2d.weight"
  std::vector<int64_t> shape;        // as PyTorch has it: [out, in, height, width], [out, in], [n]
  std::vector<int64_t> keras_shape;  // [height, width, in, out], [in, out], [n]
  bool is_buffer = false;            // running statistics
  std::array<int64_t, 3> flattened = {0, 0, 0};  // as Layer's
};

// Returns the arrays of all layers, in the order in which Keras stores them.
std::vector<Weight> weights_of(const Network& network);

// Converts an array's numbers: kernels are transposed, features behind a Flatten reordered.
std::vector<float> from_keras(const Weight& weight, const std::vector<float>& numbers);
std::vector<float> to_keras(const Weight& weight, const std::vector<float>& numbers);

// Returns the number of an array's elements.
int64_t elements_of(const std::vector<int64_t>& shape);

}  // namespace ringtrain::model_files::keras
