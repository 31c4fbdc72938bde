// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace ringtrain {

// Ranks that cannot work together: a peer that is gone or late, a library that reports an error,
// ranks that were not placed as asked. The message is made for the user. Ends a program with exit
// code 4.
class CommunicationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace ringtrain
