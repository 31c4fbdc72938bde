// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ringtrain::kernels {

// What one pass over gradients finds out on the side.
struct GradientStats {
  double squared_norm = 0;  // of the values as stored; not a number where one of them is not finite
  bool finite = true;
};

}  // namespace ringtrain::kernels
