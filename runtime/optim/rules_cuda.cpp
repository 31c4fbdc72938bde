// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <vector>

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

// Memory of the norms' two stages, used again in every call.
class SquaredNorms {
 public:
  explicit SquaredNorms(const Device& device) : device_(device) {}

  // Waits for the device.
  std::vector<double> operator()(std::span<const std::span<const float>> arrays) {
    const size_t count = arrays.size();
    size_t chunks = 1;
    for (const auto& array : arrays) {
      chunks = std::max(chunks, kernels::cuda::chunks_of(array.size()));
    }
    if (partials_.size() < chunks) partials_ = DeviceArray<double>(chunks);
    if (stats_.size() < count) stats_ = DeviceArray<DeviceStats>(count);
    cudaStream_t stream = stream_of(device_);
    for (size_t k = 0; k < count; ++k) {
      kernels::cuda::squared_norm(arrays[k].data(), arrays[k].size(), partials_.data(),
                                  stats_.data() + k, stream);
    }
    std::vector<DeviceStats> found(count);
    check_cuda(cudaMemcpyAsync(found.data(), stats_.data(), count * sizeof(DeviceStats),
                               cudaMemcpyDeviceToHost, stream));
    check_cuda(cudaStreamSynchronize(stream));
    std::vector<double> norms;
    for (const DeviceStats& one : found) norms.push_back(one.squared_norm);
    return norms;
  }

 private:
  const Device& device_;
  DeviceArray<double> partials_;  // the stream's order lets every array use them
  DeviceArray<DeviceStats> stats_;
};

using NormsOf = std::function<std::vector<double>(std::span<const std::span<const float>>)>;
NormsOf squared_norms_on(const Device& device) {
  return [norms = std::make_shared<SquaredNorms>(device)](const auto& arrays) {
    return (*norms)(arrays);
  };
}

UpdateRule sgd(const OptimizerSpec& spec, const Device& device) {
  return {
      .states = sgd_states(spec),
      .step =
          [spec, &device](const UpdateFactors& factors, const UpdateArrays& a, const TensorFacts&) {
            kernels::cuda::sgd_step(sgd_step(spec, factors), a.parameters, a.gradients[0],
                                    a.states[0], a.n, stream_of(device), a.skip);
          },
      .squared_norms = squared_norms_on(device)};
}

UpdateRule adamw(const OptimizerSpec& spec, const Device& device) {
  return {
      .states = {"mean", "variance"},
      .step =
          [spec, &device](const UpdateFactors& factors, const UpdateArrays& a, const TensorFacts&) {
            kernels::cuda::adamw_step(adamw_step(spec, factors), a.parameters, a.gradients[0],
                                      a.states[0], a.states[1], a.n, stream_of(device), a.skip);
          },
      .squared_norms = squared_norms_on(device)};
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
          .squared_norms = squared_norms_on(device)};
}

constexpr RuleRow kRules[] = {
    {OptimizerSpec::Type::sgd, sgd},
    {OptimizerSpec::Type::adamw, adamw},
    {OptimizerSpec::Type::lars, lars},
};

}  // namespace

std::span<const RuleRow> cuda_rules() { return kRules; }

}  // namespace ringtrain
