// SPDX-License-Identifier: Apache-2.0
#include "job/scalar.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace ringtrain {
namespace {

using nlohmann::json;

}  // namespace

bool has_control_characters(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) return true;
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      return true;
    }
  }
  return false;
}

json plain_value(const std::string& text, std::string& problem) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;

  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty()) return text;
  if (digits == ".inf" || digits == ".Inf" || digits == ".INF" || text == ".nan" ||
      text == ".NaN" || text == ".NAN") {
    problem = "must be a finite number";
    return nullptr;
  }

  int base = 10;
  if (digits.size() > 2 && !negative && digits.size() == text.size() && digits[0] == '0') {
    if (digits[1] == 'x') base = 16;
    if (digits[1] == 'o') base = 8;
    if (base != 10) digits.remove_prefix(2);
  }
  if (digits[0] == '-' || digits[0] == '+') return text;
  const char* const end = digits.data() + digits.size();

  int64_t integer = 0;
  const auto whole = std::from_chars(digits.data(), end, integer, base);
  if (whole.ptr == end) {
    if (whole.ec == std::errc{}) return negative ? -integer : integer;
    problem = "must be a smaller number";
    return nullptr;
  }
  if (base != 10 || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) return text;
  double real = 0;
  const auto part = std::from_chars(digits.data(), end, real);
  if (part.ptr != end) return text;
  if (part.ec != std::errc{} || !std::isfinite(real)) {
    problem = "must be a number that fits 64-bit floating point";
    return nullptr;
  }
  if (negative) real = -real;
  // 1e3 and 128.0 are whole numbers, as in JSON Schema.
  if (real == std::floor(real) && std::abs(real) < 9007199254740992.0) {
    return static_cast<int64_t>(real);
  }
  return real;
}

}  // namespace ringtrain
