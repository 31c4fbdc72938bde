// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/device/device.hpp"

namespace ringtrain {

// The CPU, by the host drivers of kernels/.
class CpuDevice : public Device {
 public:
  at::Device torch() const override { return at::kCPU; }
  std::string name() const override { return "cpu"; }
  std::shared_ptr<float[]> allocate_zeros(size_t elements) override;
  void fill_zero(void* out, size_t bytes) override;

  void pack(const at::Tensor& gradient, float* out, float scale) override;
  void pack(const at::Tensor& gradient, kernels::bf16* out, float scale) override;
  void start_collecting(const at::Tensor& loss) override;
  double collect_loss() override { return loss_; }
  std::vector<kernels::GradientStats> collect_stats() override;

  at::Tensor load(const datasets::DatasetIndex& dataset, const datasets::Batch& batch,
                  const kernels::Augment& augment, const at::Tensor& into) override;
  at::Tensor send(const at::Tensor& host, const at::Tensor& into) override;

 private:
  template <class Element>
  void pack_as(const at::Tensor& gradient, Element* out, float scale);

  double loss_ = 0;
  std::vector<kernels::GradientStats> stats_;
  at::Tensor input_;  // [most rows so far, channels, height, width], reused by every batch
};

}  // namespace ringtrain
