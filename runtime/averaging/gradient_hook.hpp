// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace ringtrain {

// Calls `ready` whenever a backward pass has finished with the gradient of `parameter` (in .grad),
// on the thread that runs the pass. A parameter holds one hook: a second call replaces the first,
// an empty function takes it away.
void set_gradient_hook(const at::Tensor& parameter, std::function<void()> ready);

}  // namespace ringtrain
