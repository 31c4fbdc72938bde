// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ringtrain::launcher {

// The absolute path of ringtrain-worker: RINGTRAIN_WORKER, or the file beside this program. Throws
// std::runtime_error that says what to do where it is not there.
std::string find_worker();

// The absolute path of another of our programs, beside this one. Throws as find_worker().
std::string find_program_beside(const std::string& name);

}  // namespace ringtrain::launcher
