// SPDX-License-Identifier: Apache-2.0
#include "runtime/device/device_cuda.hpp"

#include <ATen/cuda/CUDAGraph.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ringtrain {
namespace {

using kernels::check_cuda;
using kernels::cuda::DeviceArray;

// Called before anything else: memory and work of this file belong to the current device.
int make_current(int index) {
  check_cuda(cudaSetDevice(index));
  return index;
}

// Makes room for n elements; earlier values are lost. Freeing waits for the work that uses them.
template <class T>
T* room_for(size_t n, DeviceArray<T>& array) {
  if (array.size() < n) array = DeviceArray<T>(n);
  return array.data();
}

// Copies values to the device. From memory that is not pinned the call returns when they are taken,
// and starts after the kernels before it have ended.
template <class T>
const T* send(const T* values, size_t n, const DeviceArray<T>& to, cudaStream_t stream) {
  check_cuda(cudaMemcpyAsync(to.data(), values, n * sizeof(T), cudaMemcpyHostToDevice, stream));
  return to.data();
}

// Returns values in host memory, after all work on the stream.
template <class T>
std::vector<T> fetch(const DeviceArray<T>& from, size_t n, cudaStream_t stream) {
  std::vector<T> values(n);
  if (n > 0) {
    check_cuda(
        cudaMemcpyAsync(values.data(), from.data(), n * sizeof(T), cudaMemcpyDeviceToHost, stream));
  }
  check_cuda(cudaStreamSynchronize(stream));
  return values;
}

std::vector<kernels::NormaliseElement> channels_of(const datasets::Plan& plan) {
  const double range = plan.element == datasets::Element::u8 ? 255 : 1;
  std::vector<kernels::NormaliseElement> channels;
  for (size_t c = 0; c < plan.mean.size(); ++c) {
    channels.push_back(kernels::normalise_element(plan.mean[c], plan.std[c], range));
  }
  return channels;
}

}  // namespace

CudaDevice::CudaDevice(int index) : index_(make_current(index)) {
  cudaDeviceProp properties = {};
  check_cuda(cudaGetDeviceProperties(&properties, index));
  name_ = fmt::format("cuda:{} {}", index, properties.name);
}

at::Device CudaDevice::torch() const { return {at::kCUDA, static_cast<c10::DeviceIndex>(index_)}; }

cudaStream_t CudaDevice::stream() const {
  return c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(index_)).stream();
}

std::shared_ptr<float[]> CudaDevice::allocate_zeros(size_t elements) {
  void* memory = nullptr;
  const size_t bytes = std::max<size_t>(elements, 1) * sizeof(float);
  check_cuda(cudaMalloc(&memory, bytes));
  std::shared_ptr<float[]> owned(static_cast<float*>(memory), [](float* p) { cudaFree(p); });
  check_cuda(cudaMemset(memory, 0, bytes));
  check_cuda(cudaDeviceSynchronize());
  return owned;
}

CudaDevice::DeviceStats* CudaDevice::next_stats() {
  if (packed_ == stats_.size()) {
    Array<DeviceStats> larger(std::max<size_t>(2 * stats_.size(), 64));
    check_cuda(cudaMemcpyAsync(larger.data(), stats_.data(), packed_ * sizeof(DeviceStats),
                               cudaMemcpyDeviceToDevice, stream()));
    stats_ = std::move(larger);
  }
  return stats_.data() + packed_++;
}

template <class Element>
void CudaDevice::pack_as(const at::Tensor& gradient, Element* out, float scale) {
  // Memory freed at the end of this function is reused by later work of the stream alone.
  const at::Tensor dense = gradient.contiguous();
  const auto n = static_cast<size_t>(dense.numel());
  double* partials = room_for(std::max<size_t>(kernels::cuda::chunks_of(n), 1), partials_);
  kernels::cuda::pack(dense.const_data_ptr<float>(), out, n, scale, partials, next_stats(),
                      stream());
}

void CudaDevice::pack(const at::Tensor& gradient, float* out, float scale) {
  pack_as(gradient, out, scale);
}

void CudaDevice::pack(const at::Tensor& gradient, kernels::bf16* out, float scale) {
  pack_as(gradient, out, scale);
}

std::vector<kernels::GradientStats> CudaDevice::collect_stats() {
  std::vector<kernels::GradientStats> stats;
  for (const DeviceStats& found : fetch(stats_, packed_, stream())) {
    stats.push_back({.squared_norm = found.squared_norm, .finite = found.finite != 0});
  }
  packed_ = 0;
  return stats;
}

void CudaDevice::fill_zero(void* out, size_t bytes) {
  check_cuda(cudaMemsetAsync(out, 0, bytes, stream()));
}

at::Tensor CudaDevice::load(const datasets::Plan& plan, const datasets::Batch& batch,
                            const kernels::Augment& augment) {
  const auto& shape = plan.shape;
  // Memory is new in every call: torch reuses it when the stream is done with it.
  const at::Tensor out =
      at::empty({static_cast<int64_t>(batch.rows), shape.channels, shape.height, shape.width},
                at::TensorOptions(torch()).dtype(at::kFloat));
  if (batch.rows == 0) return out;

  const size_t bytes = batch.rows * plan.row_bytes();
  std::byte* raw = room_for(bytes, raw_);
  samples_.copy(batch.x, bytes, raw, stream());

  const auto host_channels = channels_of(plan);
  room_for(host_channels.size(), channels_);
  const auto* channels = send(host_channels.data(), host_channels.size(), channels_, stream());
  const kernels::cuda::BatchPlace host_place = {.augment = augment,
                                                .first_position = batch.first_position};
  const auto* place = send(&host_place, 1, place_, stream());

  const kernels::Image image = {.channels = static_cast<int>(shape.channels),
                                .height = static_cast<int>(shape.height),
                                .width = static_cast<int>(shape.width)};
  auto* to = out.mutable_data_ptr<float>();
  if (plan.element == datasets::Element::u8) {
    kernels::cuda::input_batch(reinterpret_cast<const uint8_t*>(raw), to, batch.rows, image,
                               channels, place, stream());
  } else {
    kernels::cuda::input_batch(reinterpret_cast<const float*>(raw), to, batch.rows, image, channels,
                               place, stream());
  }
  return out;
}

at::Tensor CudaDevice::load_labels(const datasets::Batch& batch) {
  const at::Tensor out =
      at::empty({static_cast<int64_t>(batch.rows)}, at::TensorOptions(torch()).dtype(at::kLong));
  if (batch.rows > 0) {
    labels_.copy(batch.y, batch.rows * sizeof(int64_t), out.mutable_data_ptr<int64_t>(), stream());
  }
  return out;
}

// A CUDA graph. Its kernels write to stats_, so their findings are there after every replay.
class CudaDevice::Graph final : public Recording {
 public:
  explicit Graph(CudaDevice& device) : device_(device) {}

  void record(const std::function<void()>& work) {
    check_cuda(cudaDeviceSynchronize());
    // Only streams other than the default one can be captured. The caching allocator gives a
    // capture memory of its own; other threads' calls do not disturb it.
    const c10::cuda::CUDAStreamGuard on_stream(
        c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device_.torch().index()));
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      give_up();
      throw;
    }
    graph_.capture_end();
    packed_ = std::exchange(device_.packed_, 0);
  }

  void replay() override {
    graph_.replay();
    device_.packed_ = packed_;
  }

 private:
  void give_up() {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {  // the capture has failed already
    }
    cudaGetLastError();  // cleared: a later call must not report it
    device_.packed_ = 0;
  }

  CudaDevice& device_;
  at::cuda::CUDAGraph graph_;
  size_t packed_ = 0;  // calls of pack() in it
};

std::unique_ptr<Recording> CudaDevice::record(const std::function<void()>& work) {
  auto graph = std::make_unique<Graph>(*this);
  graph->record(work);
  return graph;
}

}  // namespace ringtrain
