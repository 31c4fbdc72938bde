// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ringtrain {

// Returns this machine's own name, which may have its domain. Throws std::system_error.
std::string host_name();

}  // namespace ringtrain
