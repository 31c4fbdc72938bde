// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ringtrain::kernels {

// Measured on the side by a pass over gradients.
struct GradientStats {
  double squared_norm = 0;  // of the values as stored; not finite where one of them is not
  bool finite = true;
};

// How much of that is asked for. Finiteness costs nothing beside memory; the norm, summed in
// double, about doubles the time of a pass over data that is in the cache.
enum class Measure { finite, norm_and_finite };

}  // namespace ringtrain::kernels
