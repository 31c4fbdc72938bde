// SPDX-License-Identifier: Apache-2.0
#include "server/api/route.hpp"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <sstream>
#include <string_view>

#include "job/scalar.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr int kMaxDepth = 64;

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
  const bool is_one = part && !part->empty() && part->find('/') == std::string::npos &&
                      part->find('\0') == std::string::npos && is_utf8_text(*part);
  return is_one ? part : std::nullopt;
}

// Takes the text up to the next "/", and that.
std::string_view take_part(std::string_view& text) {
  const size_t end = text.find('/');
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return part;
}

// Finds duplicate keys and depth while a text is parsed.
class Strict {
 public:
  bool operator()(int depth, ordered_json::parse_event_t event, ordered_json& parsed) {
    using Event = ordered_json::parse_event_t;
    if (depth >= kMaxDepth) {
      throw Problem(400, fmt::format("the JSON is nested more than {} levels deep", kMaxDepth));
    }
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && !keys_.back().insert(parsed.get<std::string>()).second) {
      throw Problem(
          400, fmt::format("the key '{}' is there twice", parsed.get<std::string>().substr(0, 60)));
    }
    return true;
  }

 private:
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

std::string Call::text(const std::string& name, const std::string& none) const {
  const auto found = query.find(name);
  return found == query.end() ? none : found->second;
}

int64_t Call::number(const std::string& name, int64_t none, int64_t least, int64_t most) const {
  const auto found = query.find(name);
  if (found == query.end()) return none;
  int64_t value = 0;
  const char* const end = found->second.data() + found->second.size();
  const auto [rest, error] = std::from_chars(found->second.data(), end, value);
  if (error != std::errc() || rest != end || value < least || value > most) {
    throw Problem(400, fmt::format("{}: must be a whole number, {} to {}, found '{}'", name, least,
                                   most, found->second.substr(0, 60)));
  }
  return value;
}

bool Call::flag(const std::string& name) const {
  const std::string value = text(name, "false");
  if (value != "true" && value != "false") {
    throw Problem(400,
                  fmt::format("{}: must be true or false, found '{}'", name, value.substr(0, 60)));
  }
  return value == "true";
}

ordered_json Call::json_body() const {
  ordered_json json = parse_json(request.body);
  if (!json.is_object()) throw Problem(400, "the body must be a JSON object");
  return json;
}

std::optional<std::map<std::string, std::string>> match_path(const std::string& pattern,
                                                             const std::string& path) {
  std::map<std::string, std::string> values;
  std::string_view wanted(pattern);
  std::string_view given(path);
  while (!wanted.empty() && !given.empty()) {
    const std::string_view part = take_part(wanted);
    if (part.ends_with("...}")) {
      if (path.ends_with('/')) return std::nullopt;
      std::string rest;
      while (!given.empty()) {
        const auto one = path_part(take_part(given));
        if (!one) return std::nullopt;
        rest += (rest.empty() ? "" : "/") + *one;
      }
      values[std::string(part.substr(1, part.size() - 5))] = rest;
      return values;
    }
    // "jobs:validate" is a part of its own, not a job called so.
    const std::string_view raw = take_part(given);
    if (part.starts_with('{')) {
      const auto one = path_part(raw);
      if (!one) return std::nullopt;
      values[std::string(part.substr(1, part.size() - 2))] = *one;
    } else if (part != raw) {
      return std::nullopt;
    }
  }
  const bool ends_alike =
      wanted.empty() && given.empty() && path.ends_with('/') == pattern.ends_with('/');
  return ends_alike ? std::optional(values) : std::nullopt;
}

std::optional<std::map<std::string, std::string>> parse_query(const std::string& query) {
  std::map<std::string, std::string> values;
  for (size_t start = 0; start < query.size();) {
    const size_t end = std::min(query.find('&', start), query.size());
    const std::string_view pair = std::string_view(query).substr(start, end - start);
    const size_t equals = pair.find('=');
    const auto key = decoded(pair.substr(0, equals), true);
    const auto value =
        decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!key || !value || !is_utf8_text(*key) || !is_utf8_text(*value)) return std::nullopt;
    if (!key->empty()) values[*key] = *value;
    start = end + 1;
  }
  return values;
}

ordered_json parse_json(const std::string& text) {
  try {
    // A reference, since the parser copies what it calls.
    Strict strict;
    return ordered_json::parse(
        text, [&](int depth, ordered_json::parse_event_t event, ordered_json& parsed) {
          return strict(depth, event, parsed);
        });
  } catch (const ordered_json::parse_error& error) {
    throw Problem(400, fmt::format("the body is no JSON: it is wrong at byte {}", error.byte));
  } catch (const ordered_json::exception& error) {
    throw Problem(400, "the body has a number that is out of range");
  }
}

std::set<std::string> words_in(const std::string& list) {
  std::set<std::string> words;
  std::istringstream parts(list);
  for (std::string word; std::getline(parts, word, ',');) {
    if (!word.empty()) words.insert(word);
  }
  return words;
}

net::Answer json_answer(const ordered_json& json, int status) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}},
          .body = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n"};
}

}  // namespace ringtrain::server
