// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ringtrain {

// The text of `ringtrain-worker --version`: this program, libtorch and MPI, a line each.
std::string versions();

}  // namespace ringtrain
