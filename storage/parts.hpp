// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace ringtrain::storage {

// Calls `work` for 0 to parts - 1, `in_flight` of them at once. After an exception no further part
// begins; the first one is thrown again once all that were under way have ended.
void for_each_part(uint64_t parts, int in_flight, const std::function<void(uint64_t part)>& work);

}  // namespace ringtrain::storage
