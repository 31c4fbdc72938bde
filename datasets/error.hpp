// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace ringtrain {

// A dataset or source file that is missing, damaged, foreign or hostile. The message is made for
// the user: it names the file and the part of it, and says what to do. Ends a program with exit
// code 3.
class DataError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace ringtrain
