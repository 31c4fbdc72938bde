// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/json_numbers.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "serving/protocol/refusal.hpp"

namespace ringtrain::serving {
namespace {

using datasets::ElementType;
using nlohmann::json;

constexpr int kMostDepth = 64;

// Values of an array that is nested too deep would take far more memory than their text.
void check_depth(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMostDepth) throw Refusal(400, "the JSON of the request is nested too deep");
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

[[noreturn]] void refuse(const json& value, const char* expected, const std::string& name) {
  std::string found = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (found.size() > 40) found = found.substr(0, 37) + "...";
  throw Refusal(400, fmt::format("{}: expected {}, got {}", name, expected, found));
}

template <class Number>
void append(std::string& to, Number number) {
  to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void append_number(std::string& to, const json& value, ElementType element,
                   const std::string& name) {
  switch (element) {
    case ElementType::u8: {
      const double number = value.is_number() ? value.get<double>() : -1;
      if (!(number >= 0 && number <= 255) || number != std::floor(number)) {
        refuse(value, "whole numbers from 0 to 255", name);
      }
      return append(to, static_cast<uint8_t>(number));
    }
    case ElementType::i64: {
      const bool fits =
          value.is_number_integer() &&
          (!value.is_number_unsigned() ||
           value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
      if (!fits) refuse(value, "whole numbers of at most int64", name);
      return append(to, value.get<int64_t>());
    }
    case ElementType::f32: {
      const float number = value.is_number() ? value.get<float>() : NAN;
      if (!std::isfinite(number)) refuse(value, "numbers of float32", name);
      return append(to, number);
    }
  }
}

}  // namespace

json parse_json(std::string_view text) {
  check_depth(text);
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    throw Refusal(400, fmt::format("the request is not JSON: at byte {}", error.byte));
  } catch (const json::out_of_range&) {
    throw Refusal(400, "the JSON of the request has a number that is too large");
  }
}

void append_numbers(std::string& to, const json& array, ElementType element, uint64_t most,
                    const std::string& name) {
  const uint64_t end = to.size() + most * size_of(element);
  const auto visit = [&](const auto& self, const json& value) -> void {
    if (value.is_array()) {
      for (const json& one : value) self(self, one);
      return;
    }
    if (to.size() >= end) {
      throw Refusal(400, fmt::format("{}: expected {} numbers, got more", name, most));
    }
    append_number(to, value, element, name);
  };
  visit(visit, array);
}

}  // namespace ringtrain::serving
