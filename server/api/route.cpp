// SPDX-License-Identifier: Apache-2.0
#include "server/api/route.hpp"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <sstream>

#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr int kMaxDepth = 64;

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
