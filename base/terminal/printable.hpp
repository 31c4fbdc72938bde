// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace ringtrain {

// Returns text that may come from anywhere, such as a class name of a downloaded dataset, so that a
// terminal shows it and nothing else: control characters, those that turn the direction of writing
// or break lines, and bytes that are no UTF-8 as "\x1b" or "\u202e". One line stays one line.
std::string printable(std::string_view text);

}  // namespace ringtrain
