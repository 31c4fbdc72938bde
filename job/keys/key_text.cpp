// SPDX-License-Identifier: Apache-2.0
#include "job/keys/key_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "base/terminal/suggest.hpp"
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

// Appends the paths of all keys with this name: the places where a misplaced key could belong.
void find_key(const Key& group, const std::string& name, const std::string& path,
              std::vector<std::string>& found) {
  for (const Key& key : group.keys) {
    const std::string here = join_path(path, key.name);
    if (key.name == name) found.push_back(here);
    find_key(key, name, here, found);
  }
}

void collect_names(const Key& group, std::vector<std::string>& names) {
  for (const Key& key : group.keys) {
    names.push_back(key.name);
    collect_names(key, names);
  }
}

// Returns the name of our key for a word that other programs use; else the word.
std::string translated(const std::string& word) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kWords = {
      {{"lr", "learning_rate"},
       {"bs", "batch_size"},
       {"wd", "weight_decay"},
       {"l2", "weight_decay"},
       {"num_epochs", "epochs"},
       {"max_epochs", "epochs"},
       {"output_dir", "output"},
       {"arch", "model"}}};
  const auto found = std::find_if(kWords.begin(), kWords.end(),
                                  [&](const auto& pair) { return pair.first == word; });
  return found == kWords.end() ? word : std::string(found->second);
}

// Returns the paths of the keys that were probably meant by `name` in the group at `path`.
std::vector<std::string> meant_by(const Key& root, const Key& group, std::string_view path,
                                  const std::string& name) {
  std::vector<std::string> meant;
  find_key(root, translated(name), "", meant);
  if (!meant.empty()) return meant;
  std::vector<std::string> names;
  for (const Key& key : group.keys) names.push_back(key.name);
  if (const std::string best = closest(name, names); !best.empty()) return {join_path(path, best)};
  names.clear();
  collect_names(root, names);
  if (const std::string best = closest(name, names); !best.empty()) find_key(root, best, "", meant);
  return meant;
}

// Returns the key of this name in a group, or that of a map's values; null where there is none.
const Key* below(const Key& key, std::string_view name) {
  if (key.type == Key::Type::map) return &key.element.front();
  const auto found = std::find_if(key.keys.begin(), key.keys.end(),
                                  [&](const Key& one) { return one.name == name; });
  return found == key.keys.end() ? nullptr : &*found;
}

}  // namespace

std::string allowed_at(std::string_view path) {
  const Key* key = &job_keys();
  while (!path.empty()) {
    const size_t end = std::min(path.find_first_of(".["), path.size());
    const Key* next = below(*key, path.substr(0, end));
    if (next == nullptr) {
      std::vector<std::string> names;
      for (const Key& one : key->keys) names.push_back(one.name);
      return fmt::format("the keys {}", fmt::join(names, ", "));
    }
    path.remove_prefix(end);
    if (path.starts_with('[') && next->type == Key::Type::list) {
      next = &next->element.front();
      path.remove_prefix(std::min(path.find(']'), path.size() - 1) + 1);
    }
    if (!path.empty()) path.remove_prefix(1);
    key = next;
  }
  return allowed(*key);
}

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

std::string unknown_key(const Key& root, const Key& group, std::string_view path,
                        const std::string& name) {
  if (const auto meant = meant_by(root, group, path, name); !meant.empty()) {
    return fmt::format("unknown key, did you mean {}?", fmt::join(meant, " or "));
  }
  std::vector<std::string> known;
  for (const Key& key : group.keys) known.push_back(key.name);
  std::sort(known.begin(), known.end());
  if (known.empty()) return "unknown key: none is allowed here";
  return fmt::format("unknown key: allowed here are {}", fmt::join(known, ", "));
}

}  // namespace ringtrain
