// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

namespace ringtrain::benchmarks {

// Returns the place of a minimum of `function` near `start`, by Nelder and Mead's simplex (1965).
// step: how far the first simplex reaches, by coordinate. Deterministic.
std::vector<double> minimum_near(const std::vector<double>& start, const std::vector<double>& step,
                                 const std::function<double(const std::vector<double>&)>& function);

}  // namespace ringtrain::benchmarks
