// SPDX-License-Identifier: Apache-2.0
// Times as Kubernetes writes them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace ringtrain {

using Time = std::chrono::system_clock::time_point;

// "2026-11-24T23:51:30Z", with or without a fraction and with any offset (RFC 3339). Nothing where
// the text is none.
std::optional<Time> parse_time(const std::string& text);

// "2026-11-24T23:51:30Z"
std::string print_time(Time time);

// "2026-11-24T23:51:30.123Z"
std::string print_time_ms(Time time);

// "4s", "12m", "3h5m", "2d4h", as columns of a table have it.
std::string print_age(std::chrono::seconds age);

}  // namespace ringtrain
