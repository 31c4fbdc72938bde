// SPDX-License-Identifier: Apache-2.0
#include "net/request_path.hpp"

#include <algorithm>

#include "base/terminal/utf8.hpp"

namespace ringtrain::net {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      result += ' ';
    } else if (text[i] != '%') {
      result += text[i];
    } else {
      const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      result += static_cast<char>(16 * high + low);
      i += 2;
    }
  }
  return result;
}

// A part of a path, decoded; nothing where it could be taken for more than one.
std::optional<std::string> path_part(std::string_view text) {
  auto part = decoded(text, false);
  const bool is_one =
      part && !part->empty() && part->find('/') == std::string::npos && is_utf8_text(*part);
  return is_one ? part : std::nullopt;
}

// Takes the text up to the next "/", and that.
std::string_view take_part(std::string_view& text) {
  const size_t end = text.find('/');
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return part;
}

// All parts that are left.
std::optional<std::string> rest_of_path(std::string_view text) {
  std::string rest;
  while (!text.empty()) {
    const auto one = path_part(take_part(text));
    if (!one) return std::nullopt;
    rest += (rest.empty() ? "" : "/") + *one;
  }
  return rest;
}

}  // namespace

std::optional<std::map<std::string, std::string>> match_path(std::string_view pattern,
                                                             std::string_view path) {
  std::map<std::string, std::string> values;
  std::string_view wanted = pattern;
  std::string_view given = path;
  while (!wanted.empty() && !given.empty()) {
    const std::string_view part = take_part(wanted);
    if (part.ends_with("...}")) {
      const auto rest = path.ends_with('/') ? std::nullopt : rest_of_path(given);
      if (!rest) return std::nullopt;
      values[std::string(part.substr(1, part.size() - 5))] = *rest;
      return values;
    }
    std::string_view raw = take_part(given);
    if (!part.starts_with('{')) {
      // "jobs:validate" is a part of its own, not a job called so.
      if (part != raw) return std::nullopt;
      continue;
    }
    const size_t close = part.find('}');
    const std::string_view suffix = part.substr(close + 1);
    if (!raw.ends_with(suffix)) return std::nullopt;
    raw.remove_suffix(suffix.size());
    const auto one = path_part(raw);
    if (!one) return std::nullopt;
    values[std::string(part.substr(1, close - 1))] = *one;
  }
  const bool ends_alike =
      wanted.empty() && given.empty() && path.ends_with('/') == pattern.ends_with('/');
  return ends_alike ? std::optional(values) : std::nullopt;
}

std::optional<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    const auto key = decoded(pair.substr(0, equals), true);
    const auto value =
        decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!key || !value || !is_utf8_text(*key) || !is_utf8_text(*value)) return std::nullopt;
    if (!key->empty()) values[*key] = *value;
  }
  return values;
}

}  // namespace ringtrain::net
