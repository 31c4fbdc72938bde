// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"
#include "model_files/keras/convert.hpp"
#include "model_files/keras/h5_file.hpp"

namespace ringtrain::model_files::keras {
namespace {

// Weights are paired by their order: Keras numbers the layers' names anew for each model of a
// process.
std::vector<H5Weight*> weights_of(H5File& file) {
  std::vector<H5Weight*> weights;
  for (H5Layer& layer : file.layers) {
    for (H5Weight& weight : layer.weights) weights.push_back(&weight);
  }
  return weights;
}

}  // namespace

void average_h5(const std::vector<std::filesystem::path>& from, const std::filesystem::path& to) {
  H5File mean = read_h5(from.front());
  const std::vector<H5Weight*> weights = weights_of(mean);
  std::vector<std::vector<double>> sums;
  for (const H5Weight* weight : weights) {
    sums.emplace_back(weight->numbers.begin(), weight->numbers.end());
  }
  for (size_t k = 1; k < from.size(); ++k) {
    H5File file = read_h5(from[k]);
    const std::vector<H5Weight*> others = weights_of(file);
    for (size_t i = 0; i < std::max(weights.size(), others.size()); ++i) {
      if (i >= weights.size() || i >= others.size() || others[i]->shape != weights[i]->shape) {
        const std::string& name = i < others.size() ? others[i]->name : weights[i]->name;
        throw data_error(fmt::format("{}: is another network than {}: they differ at the weight {}",
                                     from[k].string(), from.front().string(), printable(name)));
      }
      for (size_t j = 0; j < sums[i].size(); ++j) sums[i][j] += others[i]->numbers[j];
    }
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    for (size_t j = 0; j < sums[i].size(); ++j) {
      weights[i]->numbers[j] = static_cast<float>(sums[i][j] / static_cast<double>(from.size()));
    }
  }
  write_h5(to, mean);
}

}  // namespace ringtrain::model_files::keras
