// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ringtrain::launcher {

// The absolute path of ringtrain-worker: RINGTRAIN_WORKER, or the file beside this program. Throws
// std::runtime_error that says what to do where it is not there.
std::string find_worker();

}  // namespace ringtrain::launcher
