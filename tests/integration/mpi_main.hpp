// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/comm/world.hpp"

namespace ringtrain {

// The world of this test program.
const World& test_world();

}  // namespace ringtrain
