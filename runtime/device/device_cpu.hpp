// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/device/device.hpp"

namespace ringtrain {

// The CPU, by the host drivers of kernels/.
class CpuDevice : public Device {
 public:
  torch::Device torch() const override { return torch::kCPU; }
  std::string name() const override { return "cpu"; }
  std::shared_ptr<float[]> allocate_zeros(size_t elements) override;
  void fill_zero(void* out, size_t bytes) override;

  void pack(const torch::Tensor& gradient, float* out, float scale) override;
  void pack(const torch::Tensor& gradient, kernels::bf16* out, float scale) override;
  std::vector<kernels::GradientStats> collect_stats() override;

  torch::Tensor load(const datasets::DatasetIndex& dataset, const datasets::Batch& batch,
                     const kernels::Augment& augment) override;
  torch::Tensor load_labels(const datasets::Batch& batch) override;

 private:
  template <class Element>
  void pack_as(const torch::Tensor& gradient, Element* out, float scale);

  std::vector<kernels::GradientStats> stats_;
  torch::Tensor input_;  // [most rows so far, channels, height, width], reused by every batch
};

}  // namespace ringtrain
