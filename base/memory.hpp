// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace ringtrain {

// Bytes that this process could still use: what the kernel calls available, or less where the
// control group (a container's limit) leaves less.
uint64_t available_memory();

}  // namespace ringtrain
