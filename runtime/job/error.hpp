// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace ringtrain {

// A job or an option that cannot be carried out as written. The message is made for the user: it
// names the file, line and key, and says what to do. Ends a program with exit code 2.
class JobError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace ringtrain
