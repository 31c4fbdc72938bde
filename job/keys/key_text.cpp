// SPDX-License-Identifier: Apache-2.0
#include "job/keys/key_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "job/document.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

std::string allowed_text(const KeyRules& rules) {
  std::string text = "text";
  if (rules.min_length > 0) text += ", not empty";
  if (rules.max_length) text += fmt::format(", at most {} characters", *rules.max_length);
  if (!rules.pattern.empty()) text += fmt::format(", of the form `{}`", rules.pattern);
  return text;
}

std::string allowed_number(const KeyRules& rules, std::string text) {
  const auto print = [](double bound) { return number_to_json(bound).dump(); };
  if (rules.above) text += " above " + print(*rules.above);
  if (rules.min) text += " from " + print(*rules.min);
  if (rules.below) text += " to below " + print(*rules.below);
  if (rules.max) text += " to " + print(*rules.max);
  return text;
}

// Levenshtein distance: single characters inserted, deleted or replaced.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// Appends the paths of all keys with this name: the places where a misplaced key could belong.
void find_key(const Key& group, const std::string& name, const std::string& path,
              std::vector<std::string>& found) {
  for (const Key& key : group.keys) {
    const std::string here = join_path(path, key.name);
    if (key.name == name) found.push_back(here);
    find_key(key, name, here, found);
  }
}

// Returns the key of the group that is spelled most like `name`; empty where none is close.
std::string closest_key(const Key& group, const std::string& name) {
  constexpr size_t kLongest = 64;
  if (name.size() > kLongest) return "";
  std::string best;
  size_t best_distance = std::max<size_t>(2, name.size() / 3) + 1;
  for (const Key& key : group.keys) {
    const bool is_part = name.size() >= 3 && key.name.find(name) != std::string::npos;
    const size_t distance = is_part ? 1 : edit_distance(name, key.name);
    if (distance < best_distance && distance < key.name.size()) {
      best_distance = distance;
      best = key.name;
    }
  }
  return best;
}

}  // namespace

std::string allowed(const Key& key) {
  switch (key.type) {
    case Key::Type::boolean:
      return "true or false";
    case Key::Type::integer:
      return allowed_number(key.rules, "a whole number");
    case Key::Type::number:
      return allowed_number(key.rules, "a number");
    case Key::Type::text:
      if (key.rules.one_of.empty()) return allowed_text(key.rules);
      return fmt::format("one of {}", fmt::join(key.rules.one_of, ", "));
    case Key::Type::list: {
      std::string text = "a list";
      if (key.rules.max_items) text += fmt::format(" of at most {}", *key.rules.max_items);
      return text + ", each " + allowed(key.element.front());
    }
    case Key::Type::map:
    case Key::Type::group:
      break;
  }
  return "a group of keys";
}

std::string shown(const json& value) {
  if (value.is_string()) return "the text " + in_quotes(value.get_ref<const std::string&>());
  if (value.is_object()) return "a group of keys";
  if (value.is_array()) return "a list";
  if (value.is_null()) return "nothing";
  return value.dump();
}

std::string unknown_key(const Key& root, const Key& group, const std::string& name) {
  std::vector<std::string> meant;
  find_key(root, name, "", meant);
  if (meant.empty()) {
    if (const std::string closest = closest_key(group, name); !closest.empty()) {
      meant.push_back(closest);
    }
  }
  if (!meant.empty()) {
    return fmt::format("unknown key, did you mean {}?", fmt::join(meant, " or "));
  }
  std::vector<std::string> known;
  for (const Key& key : group.keys) known.push_back(key.name);
  std::sort(known.begin(), known.end());
  if (known.empty()) return "unknown key: none is allowed here";
  return fmt::format("unknown key: allowed here are {}", fmt::join(known, ", "));
}

}  // namespace ringtrain
