// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/benchmarks/predict/simgrid_step.hpp"

namespace ringtrain::benchmarks {

std::optional<double> simulated_seconds(const Scenario& /*scenario*/) { return std::nullopt; }

}  // namespace ringtrain::benchmarks
