// SPDX-License-Identifier: Apache-2.0
// UTF-8 (RFC 3629) of strangers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringtrain {

struct Utf8Character {
  uint32_t code = 0;
  size_t bytes = 0;  // 0: there is none
};

// Returns the character with which a text begins, which must be encoded in as few bytes as it can
// be. Requires: not empty.
Utf8Character first_character(std::string_view text);

// Returns whether the text is valid UTF-8 without a NUL.
bool is_utf8_text(std::string_view text);

}  // namespace ringtrain
