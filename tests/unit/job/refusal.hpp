// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/job/error.hpp"

namespace ringtrain {

// The message of the JobError that `action` throws; empty when it throws none.
template <typename Action>
std::string refusal(Action&& action) {
  try {
    action();
  } catch (const JobError& error) {
    return error.what();
  }
  return "";
}

}  // namespace ringtrain
