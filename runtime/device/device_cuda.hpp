// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda_array.hpp"
#include "kernels/cuda_handles.hpp"
#include "kernels/normalise_cuda.hpp"
#include "kernels/pack_cuda.hpp"
#include "kernels/pinned_range.hpp"
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
  std::shared_ptr<float[]> allocate_host_zeros(size_t elements) override;
  void fill_zero(void* out, size_t bytes) override;

  void pack(const at::Tensor& gradient, float* out, float scale) override;
  void pack(const at::Tensor& gradient, kernels::bf16* out, float scale) override;
  void launch_packs() override;
  void start_collecting(const at::Tensor& loss) override;
  const int* start_judging(double most) override;
  double collect_loss() override;
  std::vector<kernels::GradientStats> collect_stats() override;
  bool runs_behind() const override { return true; }

  at::Tensor load(const datasets::DatasetIndex& dataset, const datasets::Batch& batch,
                  const kernels::Augment& augment, const at::Tensor& into) override;
  at::Tensor send(const at::Tensor& host, const at::Tensor& into) override;

  bool records() const override { return true; }
  std::unique_ptr<Recording> record(const std::function<void()>& work) override;
  void* current_stream() const override { return stream(); }

 private:
  class Graph;
  template <class T>
  using Array = kernels::cuda::DeviceArray<T>;
  template <class T>
  using PinnedArray = kernels::cuda::PinnedArray<T>;
  using DeviceStats = kernels::cuda::DeviceStats;

  // Gradients that wait to be packed in one launch.
  template <class Element>
  struct Packs {
    std::vector<at::Tensor> gradients;  // kept until the launch
    std::vector<kernels::cuda::PackPart<Element>> parts;
    float scale = 1;
  };

  // The sums of squares of the chunks that were packed since the last collection. A graph has its
  // own, since it writes to the same addresses in every replay.
  struct Norms {
    Array<double> partials;
    Array<DeviceStats> stats;
    std::vector<uint32_t> ends;  // of each tensor's chunks
    size_t launched = 0;         // chunks that a launch writes
  };

  template <class Element>
  void pack_as(const at::Tensor& gradient, Element* out, float scale, Packs<Element>& packs);
  template <class Element>
  void launch(Packs<Element>& packs);
  void make_room_for_partials(size_t chunks);
  void start_collecting_stats();
  void forget_packs();
  cudaStream_t stream() const;

  int index_;
  std::string name_;

  Packs<float> floats_;
  Packs<kernels::bf16> halves_;
  Norms own_norms_;
  Norms* norms_ = &own_norms_;  // of the packs since the last collection
  bool recording_ = false;

  std::vector<float> sent_mean_, sent_std_;  // whose channels_ are
  Array<kernels::NormaliseElement> channels_;

  // A step's results on the host, once collected_ is reached.
  PinnedArray<double> host_loss_;
  PinnedArray<DeviceStats> host_stats_;
  size_t host_count_ = 0;    // of host_stats_
  bool collecting_ = false;  // since start_collecting()
  kernels::cuda::Event collected_;
  Array<int> unusable_;  // one: whether the findings that are being collected are of no use

  // Samples as stored, [rows, channels, height, width], in turn: a batch is copied while kernels
  // of the step before run.
  struct RawBatch {
    Array<std::byte> samples;
    kernels::cuda::Event copied, used;
  };
  std::array<RawBatch, 2> raw_;
  size_t next_raw_ = 0;
  kernels::cuda::Stream copies_;
  PinnedRing sent_;
};

}  // namespace ringtrain
