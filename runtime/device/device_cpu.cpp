// SPDX-License-Identifier: Apache-2.0
#include "runtime/device/device_cpu.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/round_up.hpp"
#include "kernels/pack.hpp"

namespace ringtrain {

std::shared_ptr<float[]> CpuDevice::allocate_zeros(size_t elements) {
  const size_t bytes = round_up(std::max<size_t>(elements, 1) * sizeof(float), kCacheLineBytes);
  auto* memory = static_cast<float*>(std::aligned_alloc(kCacheLineBytes, bytes));
  if (memory == nullptr) throw std::bad_alloc();
  std::fill_n(memory, elements, 0.0F);
  return {memory, [](float* p) { std::free(p); }};
}

template <class Element>
void CpuDevice::pack_as(const at::Tensor& gradient, Element* out, float scale) {
  const at::Tensor dense = gradient.contiguous();
  const auto n = static_cast<size_t>(dense.numel());
  stats_.push_back(kernels::pack(dense.const_data_ptr<float>(), out, n, scale));
}

void CpuDevice::pack(const at::Tensor& gradient, float* out, float scale) {
  pack_as(gradient, out, scale);
}

void CpuDevice::pack(const at::Tensor& gradient, kernels::bf16* out, float scale) {
  pack_as(gradient, out, scale);
}

void CpuDevice::start_collecting(const at::Tensor& loss) { loss_ = loss.item<double>(); }

std::vector<kernels::GradientStats> CpuDevice::collect_stats() { return std::exchange(stats_, {}); }

void CpuDevice::fill_zero(void* out, size_t bytes) { std::memset(out, 0, bytes); }

at::Tensor CpuDevice::load(const datasets::DatasetIndex& dataset, const datasets::Batch& batch,
                           const kernels::Augment& augment, const at::Tensor& into) {
  const auto& shape = dataset.shape;
  const auto rows = static_cast<int64_t>(batch.rows);
  if (!into.defined() && (!input_.defined() || input_.size(0) < rows)) {
    input_ = at::empty({rows, shape.channels, shape.height, shape.width}, at::kFloat);
  }
  const at::Tensor input = into.defined() ? into : input_.narrow(0, 0, rows);
  const kernels::Image image = {.channels = static_cast<int>(shape.channels),
                                .height = static_cast<int>(shape.height),
                                .width = static_cast<int>(shape.width)};
  auto* out = input.mutable_data_ptr<float>();
  if (dataset.element == datasets::ElementType::u8) {
    kernels::input_batch(reinterpret_cast<const uint8_t* const*>(batch.samples), out, batch.rows,
                         image, dataset.mean, dataset.std, augment, batch.first_position);
  } else {
    kernels::input_batch(reinterpret_cast<const float* const*>(batch.samples), out, batch.rows,
                         image, dataset.mean, dataset.std, augment, batch.first_position);
  }
  return input;
}

at::Tensor CpuDevice::send(const at::Tensor& host, const at::Tensor& into) {
  return into.defined() ? into.copy_(host) : host;
}

}  // namespace ringtrain
