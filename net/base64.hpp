// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace ringtrain::net {

// Returns nothing where the text is not base64. White space in it does not matter.
std::optional<std::string> decode_base64(const std::string& text);

std::string encode_base64(const std::string& bytes);

}  // namespace ringtrain::net
