// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda_array.hpp"
#include "kernels/normalise_cuda.hpp"
#include "kernels/pack_cuda.hpp"
#include "runtime/device/device.hpp"
#include "runtime/device/pinned_ring.hpp"

namespace ringtrain {

// One GPU, by the CUDA drivers of kernels/, on torch's current stream.
class CudaDevice final : public Device {
 public:
  // Makes the GPU the calling thread's current one.
  explicit CudaDevice(int index);

  at::Device torch() const override;
  std::string name() const override { return name_; }
  std::shared_ptr<float[]> allocate_zeros(size_t elements) override;
  void fill_zero(void* out, size_t bytes) override;

  void pack(const at::Tensor& gradient, float* out, float scale) override;
  void pack(const at::Tensor& gradient, kernels::bf16* out, float scale) override;
  std::vector<kernels::GradientStats> collect_stats() override;

  at::Tensor load(const datasets::Plan& plan, const datasets::Batch& batch,
                  const kernels::Augment& augment) override;
  at::Tensor load_labels(const datasets::Batch& batch) override;

  bool records() const override { return true; }
  std::unique_ptr<Recording> record(const std::function<void()>& work) override;
  void* current_stream() const override { return stream(); }

 private:
  class Graph;
  template <class T>
  using Array = kernels::cuda::DeviceArray<T>;
  using DeviceStats = kernels::cuda::DeviceStats;

  template <class Element>
  void pack_as(const at::Tensor& gradient, Element* out, float scale);
  cudaStream_t stream() const;
  DeviceStats* next_stats();

  int index_;
  std::string name_;

  Array<double> partials_;    // scratch of the launch under way
  Array<DeviceStats> stats_;  // one per pack() since the last collection, in their order
  size_t packed_ = 0;         // entries of stats_ in use

  // Arguments of kernels. Each launch finds its own, since copies and launches keep the stream's
  // order.
  Array<kernels::cuda::BatchPlace> place_{1};
  Array<kernels::NormaliseElement> channels_;

  Array<std::byte> raw_;  // samples as stored, [rows, channels, height, width]
  PinnedRing samples_;
  PinnedRing labels_;
};

}  // namespace ringtrain
