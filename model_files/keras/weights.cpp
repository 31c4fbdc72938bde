// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "base/check.hpp"
#include "model_files/keras/network.hpp"

namespace ringtrain::model_files::keras {
namespace {

// Returns the place in PyTorch's order of Keras' feature i: of [height, width, channels] to
// [channels, height, width].
int64_t place_of(int64_t i, const std::array<int64_t, 3>& flattened) {
  const auto [height, width, channels] = flattened;
  if (channels == 0) return i;
  return i % channels * height * width + i / channels;
}

// Calls pair(index of Keras, index of PyTorch) for every number.
template <typename Pair>
void for_each(const Weight& weight, const Pair& pair) {
  const auto& shape = weight.keras_shape;
  if (shape.size() == 1) {
    for (int64_t i = 0; i < shape[0]; ++i) pair(i, place_of(i, weight.flattened));
    return;
  }
  if (shape.size() == 2) {
    for (int64_t i = 0; i < shape[0]; ++i) {
      const int64_t place = place_of(i, weight.flattened);
      for (int64_t o = 0; o < shape[1]; ++o) pair(i * shape[1] + o, o * shape[0] + place);
    }
    return;
  }
  const int64_t pixels = shape[0] * shape[1];
  for (int64_t p = 0; p < pixels; ++p) {
    for (int64_t i = 0; i < shape[2]; ++i) {
      for (int64_t o = 0; o < shape[3]; ++o) {
        pair((p * shape[2] + i) * shape[3] + o, (o * shape[2] + i) * pixels + p);
      }
    }
  }
}

Weight vector(const Layer& layer, const char* name, int64_t size, bool is_buffer = false) {
  Weight weight{layer.name + "." + name, {size}, {size}};
  weight.is_buffer = is_buffer;
  // A bias belongs to the outputs, which are not reordered.
  if (layer.kind == Kind::batch_normalization) weight.flattened = layer.flattened;
  return weight;
}

void add_weights(const Layer& layer, std::vector<Weight>& weights) {
  switch (layer.kind) {
    case Kind::conv2d:
      weights.push_back({layer.name + ".weight",
                         {layer.out, layer.in, layer.window[0], layer.window[1]},
                         {layer.window[0], layer.window[1], layer.in, layer.out}});
      break;
    case Kind::dense:
      weights.push_back({layer.name + ".weight",
                         {layer.out, layer.in},
                         {layer.in, layer.out},
                         false,
                         layer.flattened});
      break;
    case Kind::batch_normalization:
      weights.push_back(vector(layer, "weight", layer.in));
      weights.push_back(vector(layer, "bias", layer.in));
      weights.push_back(vector(layer, "running_mean", layer.in, true));
      weights.push_back(vector(layer, "running_var", layer.in, true));
      break;
    default:
      break;
  }
  if (layer.has_bias) weights.push_back(vector(layer, "bias", layer.out));
}

}  // namespace

int64_t elements_of(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  for (const int64_t size : shape) product *= size;
  return product;
}

std::vector<Weight> weights_of(const Network& network) {
  std::vector<Weight> weights;
  for (const Layer& layer : network.layers) add_weights(layer, weights);
  return weights;
}

std::vector<float> from_keras(const Weight& weight, const std::vector<float>& numbers) {
  RINGTRAIN_CHECK(static_cast<int64_t>(numbers.size()) == elements_of(weight.shape));
  std::vector<float> result(numbers.size());
  for_each(weight, [&](int64_t keras, int64_t own) {
    result[static_cast<size_t>(own)] = numbers[static_cast<size_t>(keras)];
  });
  return result;
}

std::vector<float> to_keras(const Weight& weight, const std::vector<float>& numbers) {
  RINGTRAIN_CHECK(static_cast<int64_t>(numbers.size()) == elements_of(weight.shape));
  std::vector<float> result(numbers.size());
  for_each(weight, [&](int64_t keras, int64_t own) {
    result[static_cast<size_t>(keras)] = numbers[static_cast<size_t>(own)];
  });
  return result;
}

}  // namespace ringtrain::model_files::keras
