// SPDX-License-Identifier: Apache-2.0
#include "base/terminal/utf8.hpp"

namespace ringtrain {

Utf8Character first_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const size_t bytes = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < bytes) return {};
  uint32_t code = byte(0) & (0x7fU >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool longer_than_needed = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool none = code > 0x10ffff || (code >= 0xd800 && code < 0xe000);
  return longer_than_needed || none ? Utf8Character{} : Utf8Character{code, bytes};
}

bool is_utf8_text(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character next = first_character(text);
    if (next.bytes == 0 || next.code == 0) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

}  // namespace ringtrain
