// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/request_path.hpp"

#include <algorithm>
#include <charconv>

namespace ringtrain::serving {
namespace {

// Returns nothing where an escape is none.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const char* const end = text.data() + i + 3;
    if (std::from_chars(text.data() + i + 1, end, value, 16).ptr != end) return std::nullopt;
    result += static_cast<char>(value);
    i += 2;
  }
  return result;
}

}  // namespace

std::optional<std::vector<std::string>> match_path(std::string_view pattern,
                                                   std::string_view path) {
  std::vector<std::string> found;
  while (!pattern.empty()) {
    if (!pattern.starts_with("{}")) {
      if (path.empty() || path[0] != pattern[0]) return std::nullopt;
      pattern.remove_prefix(1);
      path.remove_prefix(1);
      continue;
    }
    pattern.remove_prefix(2);
    // Up to what follows in the pattern: a '/', or the ':' of "{}:predict".
    const size_t end = pattern.empty() ? path.find('/') : path.find(pattern[0]);
    const std::string_view part = path.substr(0, end);
    const auto decoded = percent_decoded(part);
    if (part.empty() || part.find('/') != std::string_view::npos || !decoded) return std::nullopt;
    found.push_back(*decoded);
    path.remove_prefix(part.size());
  }
  if (!path.empty()) return std::nullopt;
  return found;
}

std::map<std::string, std::string> parse_query(std::string_view query) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    const size_t equals = one.find('=');
    const auto key = percent_decoded(one.substr(0, equals));
    const auto value = percent_decoded(equals == std::string_view::npos ? std::string_view()
                                                                        : one.substr(equals + 1));
    if (key && value && !key->empty()) values[*key] = *value;
  }
  return values;
}

}  // namespace ringtrain::serving
