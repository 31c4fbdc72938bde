// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "base/time.hpp"

namespace ringtrain::server {

// Returns the time as records have it: "2026-11-28T20:15:30.123Z".
inline std::string now_text() { return print_time_ms(std::chrono::system_clock::now()); }

}  // namespace ringtrain::server
