// SPDX-License-Identifier: Apache-2.0
#include "runtime/device/device_cuda.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAStream.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "kernels/pinned_range.hpp"

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

std::vector<kernels::NormaliseElement> channels_of(const datasets::DatasetIndex& dataset) {
  const double range = dataset.element == datasets::ElementType::u8 ? 255 : 1;
  std::vector<kernels::NormaliseElement> channels;
  for (size_t c = 0; c < dataset.mean.size(); ++c) {
    channels.push_back(kernels::normalise_element(dataset.mean[c], dataset.std[c], range));
  }
  return channels;
}

}  // namespace

CudaDevice::CudaDevice(int index) : index_(make_current(index)) {
  cudaDeviceProp properties = {};
  check_cuda(cudaGetDeviceProperties(&properties, index));
  name_ = fmt::format("cuda:{} {}", index, properties.name);
  collected_ = kernels::cuda::make_event();
  copies_ = kernels::cuda::make_stream();
  for (RawBatch& raw : raw_) {
    raw.copied = kernels::cuda::make_event();
    raw.used = kernels::cuda::make_event();
  }
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

std::shared_ptr<float[]> CudaDevice::allocate_host_zeros(size_t elements) {
  const auto memory = kernels::cuda::allocate_pages<float>(elements);
  std::fill_n(memory.get(), elements, 0.0F);
  auto pinned =
      std::make_shared<kernels::cuda::PinnedRange>(memory.get(), elements * sizeof(float));
  return {memory.get(), [memory, pinned](float*) mutable { pinned.reset(); }};
}

// Chunks of packs that were started keep their sums.
void CudaDevice::make_room_for_partials(size_t chunks) {
  Array<double>& partials = norms_->partials;
  if (chunks <= partials.size()) return;
  if (recording_) throw std::logic_error("a graph's packs are larger than those of eager steps");
  Array<double> larger(std::max<size_t>(2 * partials.size(), chunks));
  if (norms_->launched > 0) {
    check_cuda(cudaMemcpyAsync(larger.data(), partials.data(), norms_->launched * sizeof(double),
                               cudaMemcpyDeviceToDevice, stream()));
  }
  partials = std::move(larger);
}

template <class Element>
void CudaDevice::pack_as(const at::Tensor& gradient, Element* out, float scale,
                         Packs<Element>& packs) {
  if (packs.parts.size() == kernels::cuda::kMostParts || packs.scale != scale) launch_packs();
  packs.scale = scale;
  const at::Tensor dense = gradient.contiguous();
  const auto n = static_cast<size_t>(dense.numel());
  const uint32_t before = norms_->ends.empty() ? 0 : norms_->ends.back();
  packs.parts.push_back({.gradient = dense.const_data_ptr<float>(), .out = out, .n = n});
  packs.gradients.push_back(dense);
  norms_->ends.push_back(before + static_cast<uint32_t>(kernels::cuda::chunks_of(n)));
}

void CudaDevice::pack(const at::Tensor& gradient, float* out, float scale) {
  pack_as(gradient, out, scale, floats_);
}

void CudaDevice::pack(const at::Tensor& gradient, kernels::bf16* out, float scale) {
  pack_as(gradient, out, scale, halves_);
}

template <class Element>
void CudaDevice::launch(Packs<Element>& packs) {
  if (packs.parts.empty()) return;
  make_room_for_partials(norms_->ends.back());
  kernels::cuda::pack(packs.parts, packs.scale, norms_->partials.data() + norms_->launched,
                      stream());
  norms_->launched = norms_->ends.back();
  packs.parts.clear();
  packs.gradients.clear();  // torch gives their memory to later work of the stream alone
}

// One of the two is empty: all gradients travel in one type.
void CudaDevice::launch_packs() {
  launch(floats_);
  launch(halves_);
}

void CudaDevice::forget_packs() {
  floats_ = {};
  halves_ = {};
  norms_->ends.clear();
  norms_->launched = 0;
}

void CudaDevice::start_collecting_stats() {
  launch_packs();
  host_count_ = norms_->ends.size();
  DeviceStats* stats = room_for(host_count_, norms_->stats);
  kernels::cuda::sum_partials(norms_->partials.data(), norms_->ends, stats, stream());
  if (host_count_ > 0) {
    check_cuda(cudaMemcpyAsync(host_stats_.room_for(host_count_), stats,
                               host_count_ * sizeof(DeviceStats), cudaMemcpyDeviceToHost,
                               stream()));
  }
  check_cuda(cudaEventRecord(collected_.get(), stream()));
  collecting_ = true;
}

void CudaDevice::start_collecting(const at::Tensor& loss) {
  check_cuda(cudaMemcpyAsync(host_loss_.room_for(1), loss.const_data_ptr<double>(), sizeof(double),
                             cudaMemcpyDeviceToHost, stream()));
  start_collecting_stats();
}

const int* CudaDevice::start_judging(double most) {
  int* unusable = room_for(1, unusable_);
  kernels::cuda::find_unusable(norms_->stats.data(), host_count_, most, unusable, stream());
  return unusable;
}

double CudaDevice::collect_loss() {
  check_cuda(cudaEventSynchronize(collected_.get()));
  return *host_loss_.data();
}

std::vector<kernels::GradientStats> CudaDevice::collect_stats() {
  if (!collecting_) start_collecting_stats();
  check_cuda(cudaEventSynchronize(collected_.get()));
  std::vector<kernels::GradientStats> found;
  for (size_t k = 0; k < host_count_; ++k) {
    const DeviceStats& stats = host_stats_.data()[k];
    found.push_back({.squared_norm = stats.squared_norm, .finite = stats.finite != 0});
  }
  collecting_ = false;
  norms_ = &own_norms_;
  forget_packs();
  return found;
}

void CudaDevice::fill_zero(void* out, size_t bytes) {
  check_cuda(cudaMemsetAsync(out, 0, bytes, stream()));
}

at::Tensor CudaDevice::load(const datasets::DatasetIndex& dataset, const datasets::Batch& batch,
                            const kernels::Augment& augment, const at::Tensor& into) {
  RawBatch& raw = raw_[next_raw_];
  next_raw_ = (next_raw_ + 1) % raw_.size();
  // The batch before the last may be overwritten from here on.
  check_cuda(cudaEventSynchronize(raw.copied.get()));
  const auto& shape = dataset.shape;
  // Memory is new in every call: torch reuses it when the stream is done with it.
  const at::Tensor out =
      into.defined()
          ? into
          : at::empty({static_cast<int64_t>(batch.rows), shape.channels, shape.height, shape.width},
                      at::TensorOptions(torch()).dtype(at::kFloat));
  if (batch.rows == 0) return out;

  const size_t bytes = batch.rows * dataset.row_bytes();
  std::byte* from = room_for(bytes, raw.samples);
  check_cuda(cudaStreamWaitEvent(copies_.get(), raw.used.get(), 0));
  check_cuda(cudaMemcpyAsync(from, batch.x, bytes, cudaMemcpyHostToDevice, copies_.get()));
  check_cuda(cudaEventRecord(raw.copied.get(), copies_.get()));
  check_cuda(cudaStreamWaitEvent(stream(), raw.copied.get(), 0));

  if (sent_mean_ != dataset.mean || sent_std_ != dataset.std) {
    channels_ = Array<kernels::NormaliseElement>(channels_of(dataset));
    sent_mean_ = dataset.mean;
    sent_std_ = dataset.std;
  }
  const kernels::cuda::BatchPlace place = {.augment = augment,
                                           .first_position = batch.first_position};
  const kernels::Image image = {.channels = static_cast<int>(shape.channels),
                                .height = static_cast<int>(shape.height),
                                .width = static_cast<int>(shape.width)};
  auto* to = out.mutable_data_ptr<float>();
  if (dataset.element == datasets::ElementType::u8) {
    kernels::cuda::input_batch(reinterpret_cast<const uint8_t*>(from), to, batch.rows, image,
                               channels_.data(), place, stream());
  } else {
    kernels::cuda::input_batch(reinterpret_cast<const float*>(from), to, batch.rows, image,
                               channels_.data(), place, stream());
  }
  check_cuda(cudaEventRecord(raw.used.get(), stream()));
  return out;
}

at::Tensor CudaDevice::send(const at::Tensor& host, const at::Tensor& into) {
  const at::Tensor out =
      into.defined() ? into : at::empty_like(host, host.options().device(torch()));
  if (host.numel() > 0) {
    sent_.copy(host.const_data_ptr(), host.nbytes(), out.mutable_data_ptr(), stream());
  }
  return out;
}

}  // namespace ringtrain
