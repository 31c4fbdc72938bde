// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <algorithm>
#include <memory>

#include "kernels/cuda_array.hpp"
#include "kernels/optimizers_cuda.hpp"
#include "kernels/pack_cuda.hpp"
#include "runtime/optim/rules.hpp"

namespace ringtrain {
namespace {

using kernels::check_cuda;
using kernels::cuda::DeviceArray;
using kernels::cuda::DeviceStats;

cudaStream_t stream_of(const Device& device) {
  return static_cast<cudaStream_t>(device.current_stream());
}

// Memory of a norm's two stages, used again in every call.
class SquaredNorm {
 public:
  explicit SquaredNorm(const Device& device) : device_(device) {}

  // Waits for the device.
  double operator()(const float* values, size_t n) {
    const size_t chunks = std::max<size_t>(kernels::cuda::chunks_of(n), 1);
    if (partials_.size() < chunks) partials_ = DeviceArray<double>(chunks);
    cudaStream_t stream = stream_of(device_);
    kernels::cuda::squared_norm(values, n, partials_.data(), stats_.data(), stream);
    DeviceStats found = {};
    check_cuda(
        cudaMemcpyAsync(&found, stats_.data(), sizeof found, cudaMemcpyDeviceToHost, stream));
    check_cuda(cudaStreamSynchronize(stream));
    return found.squared_norm;
  }

 private:
  const Device& device_;
  DeviceArray<double> partials_;
  DeviceArray<DeviceStats> stats_{1};
};

std::function<double(const float*, size_t)> squared_norm_on(const Device& device) {
  return [norm = std::make_shared<SquaredNorm>(device)](const float* values, size_t n) {
    return (*norm)(values, n);
  };
}

UpdateRule sgd(const OptimizerSpec& spec, const Device& device) {
  return {
      .states = sgd_states(spec),
      .step =
          [spec, &device](const UpdateFactors& factors, const UpdateArrays& a, const TensorFacts&) {
            kernels::cuda::sgd_step(sgd_step(spec, factors), a.parameters, a.gradients[0],
                                    a.states[0], a.n, stream_of(device));
          },
      .squared_norm = squared_norm_on(device)};
}

UpdateRule adamw(const OptimizerSpec& spec, const Device& device) {
  return {
      .states = {"mean", "variance"},
      .step =
          [spec, &device](const UpdateFactors& factors, const UpdateArrays& a, const TensorFacts&) {
            kernels::cuda::adamw_step(adamw_step(spec, factors), a.parameters, a.gradients[0],
                                      a.states[0], a.states[1], a.n, stream_of(device));
          },
      .squared_norm = squared_norm_on(device)};
}

UpdateRule lars(const OptimizerSpec& spec, const Device& device) {
  return {.states = {"momentum"},
          .per_tensor = true,
          .step =
              [spec, &device](const UpdateFactors& factors, const UpdateArrays& a,
                              const TensorFacts& tensor) {
                kernels::cuda::lars_step(lars_step(spec, factors, tensor), a.parameters,
                                         a.gradients[0], a.states[0], a.n, stream_of(device));
              },
          .squared_norm = squared_norm_on(device)};
}

constexpr RuleRow kRules[] = {
    {OptimizerSpec::Type::sgd, sgd},
    {OptimizerSpec::Type::adamw, adamw},
    {OptimizerSpec::Type::lars, lars},
};

}  // namespace

std::span<const RuleRow> cuda_rules() { return kRules; }

}  // namespace ringtrain
