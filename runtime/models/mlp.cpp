// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/mlp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"

namespace ringtrain {
namespace {

// Fully connected layers fc0, fc1… with ReLU between them, on the flattened sample.
class Mlp final : public Layer {
 public:
  Mlp(const std::vector<int64_t>& widths, at::Generator& generator) {
    for (size_t i = 0; i + 1 < widths.size(); ++i) {
      layers_.push_back(register_module(
          fmt::format("fc{}", i), std::make_shared<Linear>(widths[i], widths[i + 1], generator)));
    }
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = layers_.front()->forward(x.flatten(1));
    for (size_t i = 1; i < layers_.size(); ++i) y = layers_[i]->forward(y.relu_());
    return y;
  }

  std::string script() const override {
    std::string body = "x = self.fc0.forward(torch.flatten(x, 1))\n";
    for (size_t i = 1; i < layers_.size(); ++i) {
      body += fmt::format("x = self.fc{}.forward(torch.relu_(x))\n", i);
    }
    return body + "return x";
  }

 private:
  std::vector<std::shared_ptr<Linear>> layers_;
};

}  // namespace

std::shared_ptr<Layer> make_mlp(const ModelOptions& options, at::Generator& generator) {
  std::vector<int64_t> widths{options.channels * options.height * options.width};
  if (options.hidden.empty()) {
    widths.insert(widths.end(), {1024, 1024});
  } else {
    widths.insert(widths.end(), options.hidden.begin(), options.hidden.end());
  }
  widths.push_back(options.classes);
  if (*std::min_element(widths.begin(), widths.end()) < 1) {
    throw job_error("model mlp: every width in hidden must be at least 1");
  }
  return std::make_shared<Mlp>(widths, generator);
}

}  // namespace ringtrain
