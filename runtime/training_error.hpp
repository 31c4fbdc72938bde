// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace ringtrain {

// Training that cannot go on, as with gradients that stay non-finite. Ends a program with exit
// code 4.
class TrainingError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace ringtrain
