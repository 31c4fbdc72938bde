// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ringtrain {

// Returns the text without white space at both ends.
std::string trimmed(const std::string& text);

// "4.2 s", "3 min 20 s", "2 h 5 min"; "? s" for what is negative or not finite.
std::string print_seconds(double seconds);

// "6,712", as counts and rates read best.
std::string print_count(double count);

}  // namespace ringtrain
