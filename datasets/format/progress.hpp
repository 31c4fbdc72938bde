// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace ringtrain::datasets {

// Called now and then with the work done and the work in all, in any unit.
using Progress = std::function<void(uint64_t done, uint64_t total)>;

}  // namespace ringtrain::datasets
