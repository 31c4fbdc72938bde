// SPDX-License-Identifier: Apache-2.0
#include "runtime/optim/rules.hpp"

namespace ringtrain {
namespace {

std::vector<double> squared_norms(std::span<const std::span<const float>> arrays) {
  std::vector<double> norms;
  for (const auto& array : arrays) {
    norms.push_back(kernels::squared_norm(array.data(), array.size()));
  }
  return norms;
}

bool is_skipped(const UpdateArrays& arrays) { return arrays.skip != nullptr && *arrays.skip != 0; }

UpdateRule sgd(const OptimizerSpec& spec, const Device&) {
  return {.states = sgd_states(spec),
          .adds_slabs = true,
          .step =
              [spec](const UpdateFactors& factors, const UpdateArrays& a, const TensorFacts&) {
                if (is_skipped(a)) return;
                kernels::sgd_step_from(sgd_step(spec, factors), a.gradients, a.parameters,
                                       a.states[0], a.n);
              },
          .squared_norms = squared_norms};
}

UpdateRule adamw(const OptimizerSpec& spec, const Device&) {
  return {.states = {"mean", "variance"},
          .step =
              [spec](const UpdateFactors& factors, const UpdateArrays& a, const TensorFacts&) {
                if (is_skipped(a)) return;
                kernels::adamw_step(adamw_step(spec, factors), a.parameters, a.gradients[0],
                                    a.states[0], a.states[1], a.n);
              },
          .squared_norms = squared_norms};
}

UpdateRule lars(const OptimizerSpec& spec, const Device&) {
  return {
      .states = {"momentum"},
      .per_tensor = true,
      .step =
          [spec](const UpdateFactors& factors, const UpdateArrays& a, const TensorFacts& tensor) {
            kernels::lars_step(lars_step(spec, factors, tensor), a.parameters, a.gradients[0],
                               a.states[0], a.n);
          },
      .squared_norms = squared_norms};
}

constexpr RuleRow kRules[] = {
    {OptimizerSpec::Type::sgd, sgd},
    {OptimizerSpec::Type::adamw, adamw},
    {OptimizerSpec::Type::lars, lars},
};

}  // namespace

std::span<const RuleRow> cpu_rules() { return kRules; }

}  // namespace ringtrain
