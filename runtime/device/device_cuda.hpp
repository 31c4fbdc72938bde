// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda_array.hpp"
#include "kernels/normalise_cuda.hpp"
#include "kernels/optimizers_cuda.hpp"
#include "kernels/pack_cuda.hpp"
#include "runtime/device/device.hpp"

namespace ringtrain {

// Copies from memory that the caller may write to again at once: by way of pinned buffers, so that
// the host waits neither for the device nor for the bus. The third copy back must be done before a
// buffer is used again.
class PinnedRing {
 public:
  PinnedRing() = default;
  ~PinnedRing();
  PinnedRing(const PinnedRing&) = delete;
  PinnedRing& operator=(const PinnedRing&) = delete;

  void copy(const void* from, size_t bytes, void* to_device, cudaStream_t stream);

 private:
  struct Buffer {
    void* memory = nullptr;
    size_t bytes = 0;
    cudaEvent_t copied = nullptr;
  };
  std::array<Buffer, 3> buffers_;
  size_t next_ = 0;
};

// One GPU: the device drivers of kernels/, on torch's current stream. Errors are
// kernels::CudaError.
class CudaDevice final : public Device {
 public:
  // Makes the GPU the calling thread's current one.
  explicit CudaDevice(int index);

  torch::Device torch() const override;
  std::string name() const override { return name_; }
  std::shared_ptr<float[]> allocate_zeros(size_t elements) override;

  void pack(const torch::Tensor& gradient, float* out, float scale) override;
  void pack(const torch::Tensor& gradient, kernels::bf16* out, float scale) override;
  std::vector<kernels::GradientStats> collect_stats() override;
  void fill_zero(void* out, size_t bytes) override;

  double squared_norm(const float* values, size_t n) override;
  void sgd_step(const kernels::SgdStep& step, float* parameters, const float* gradients,
                float* momentum, size_t n) override;
  void adamw_step(const kernels::AdamwStep& step, float* parameters, const float* gradients,
                  float* m, float* v, size_t n) override;
  void lars_step(const kernels::LarsStep& step, float* parameters, const float* gradients,
                 float* momentum, size_t n) override;

  torch::Tensor load(const datasets::Plan& plan, const datasets::Batch& batch,
                     const kernels::Augment& augment) override;
  torch::Tensor load_labels(const datasets::Batch& batch) override;

  bool records() const override { return true; }
  std::unique_ptr<Recording> record(const std::function<void()>& work) override;
  void* current_stream() const override { return stream(); }

 private:
  class Graph;
  template <class T>
  using Array = kernels::cuda::DeviceArray<T>;
  using DeviceStats = kernels::cuda::DeviceStats;

  template <class Element>
  void pack_as(const torch::Tensor& gradient, Element* out, float scale);
  cudaStream_t stream() const;
  double* partials_for(size_t elements);
  DeviceStats* next_stats();

  int index_;
  std::string name_;

  Array<double> partials_;    // scratch of the launch under way
  Array<DeviceStats> stats_;  // one per pack() since the last collection, in their order
  size_t packed_ = 0;         // of stats_, in use
  Array<DeviceStats> norm_{1};

  // Where kernels read their arguments: each launch finds its own, since copies and launches keep
  // the stream's order.
  Array<kernels::SgdStep> sgd_{1};
  Array<kernels::AdamwElement> adamw_{1};
  Array<kernels::LarsStep> lars_{1};
  Array<kernels::cuda::BatchPlace> place_{1};
  Array<kernels::NormaliseElement> channels_;

  Array<std::byte> raw_;  // samples as stored, [rows, channels, height, width]
  PinnedRing samples_;
  PinnedRing labels_;
};

}  // namespace ringtrain
