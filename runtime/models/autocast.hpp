// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/DeviceType.h>

namespace ringtrain {

// precision: bf16. During its lifetime torch computes matrix products and convolutions in bf16 and
// the rest in fp32; parameters and their gradients stay fp32. It covers the forward pass alone: the
// backward pass uses the types of the forward pass.
class Autocast {
 public:
  Autocast(bool on, at::DeviceType device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_;
  at::DeviceType device_;
};

}  // namespace ringtrain
