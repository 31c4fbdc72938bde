// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringtrain {

inline constexpr std::string_view kWhiteSpace = " \t\r\n";

// Returns the part of the text without any of `characters` at both ends.
std::string_view trimmed(std::string_view text, std::string_view characters = kWhiteSpace);

// Returns the text before its first newline.
std::string first_line(std::string_view text);

// "4.2 s", "3 min 20 s", "2 h 5 min"; "? s" for what is negative or not finite.
std::string print_seconds(double seconds);

// "1.5 GiB"
std::string print_gib(uint64_t bytes);

// "6,712", as counts and rates read best.
std::string print_count(double count);

}  // namespace ringtrain
