// SPDX-License-Identifier: Apache-2.0
// Plain values of a YAML text.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace ringtrain {

// Returns whether a UTF-8 text holds C0, DEL or C1: none has a place in a name or a path, and some
// would command a terminal.
bool has_control_characters(std::string_view text);

// Returns a plain scalar by the core schema of YAML 1.2. `problem` is set for a number that cannot
// be kept.
nlohmann::json plain_value(const std::string& text, std::string& problem);

}  // namespace ringtrain
