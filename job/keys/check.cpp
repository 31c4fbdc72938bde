// SPDX-License-Identifier: Apache-2.0
#include "job/keys/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "base/terminal/suggest.hpp"
#include "job/keys/key_text.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

bool has_type(const Key& key, const json& value) {
  switch (key.type) {
    case Key::Type::boolean:
      return value.is_boolean();
    case Key::Type::integer:
      return value.is_number_integer();
    case Key::Type::number:
      return value.is_number();
    case Key::Type::text:
      return value.is_string();
    case Key::Type::list:
      return value.is_array();
    case Key::Type::map:
    case Key::Type::group:
      return value.is_object();
  }
  return false;
}

// Number of characters of a UTF-8 text.
size_t length_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool number_fits(const KeyRules& rules, double number) {
  return (!rules.min || number >= *rules.min) && (!rules.above || number > *rules.above) &&
         (!rules.max || number <= *rules.max) && (!rules.below || number < *rules.below);
}

bool text_fits(const KeyRules& rules, const std::string& text) {
  const auto& names = rules.one_of;
  if (!names.empty() && std::find(names.begin(), names.end(), text) == names.end()) return false;
  const size_t length = length_of(text);
  if (length < rules.min_length || length > rules.max_length.value_or(length)) return false;
  return rules.pattern.empty() || std::regex_search(text, std::regex(rules.pattern));
}

// Returns the end of a refusal of a text where keys belong, as of 'type:sgd'.
std::string missing_space(const std::string& text) {
  static const std::regex kKeyAndValue("^([a-z_0-9]+):([^ /:].*)$");
  std::smatch parts;
  if (!std::regex_match(text, parts, kKeyAndValue)) return "";
  return fmt::format(": a space is missing after the colon, as in '{}: {}'", parts.str(1),
                     parts.str(2));
}

// Returns the end of a refusal of a word that is not one of a key's, with the one that was meant.
std::string suggestion(const Key& key, const json& value) {
  if (key.rules.one_of.empty()) return "";
  const auto& word = value.get_ref<const std::string&>();
  const std::string meant = closest(word == "gpu" ? "cuda" : word, key.rules.one_of);
  return meant.empty() ? "" : fmt::format(", did you mean {}?", meant);
}

// Returns the end of a refusal of a value in place of a group, or of a list or map: what to write.
std::string example(const Key& key, const std::string& path, const std::string& origin) {
  const std::string name = path.substr(path.rfind('.') + 1);
  std::string value;
  if (key.type == Key::Type::group) value = fmt::format("{{{}}}", key.example);
  if (key.type == Key::Type::map) value = "{NAME: value}";
  if (key.type == Key::Type::list && key.element.front().type == Key::Type::group) {
    value = fmt::format("[{{{}}}]", key.element.front().example);
  }
  if (value.empty() || path.empty()) return "";
  if (origin.starts_with("--set ")) return fmt::format(", as in --set '{}={}'", path, value);
  if (name.ends_with(']')) return fmt::format(", as in '- {}'", value);
  return fmt::format(", as in '{}: {}'", name, value);
}

// Refuses values that do not fit, in the order of the keys.
class Checker {
 public:
  Checker(const Document& document, const Key& root,
          const std::function<void(const RefusedKey&)>& on_refusal)
      : document_(document), root_(root), on_refusal_(on_refusal) {}

  void check(const Key& key, const json& value, const std::string& path) const {
    if (!has_type(key, value)) {
      std::string problem = fmt::format("must be {}, found {}", allowed(key), shown(value));
      if (key.type == Key::Type::text && value.is_primitive()) {
        problem += ": put it in quotes if it is meant as text";
      }
      std::string cure;
      if (value.is_string()) cure = missing_space(value.get_ref<const std::string&>());
      if (cure.empty()) cure = example(key, path, document_.origin(path));
      return refuse(path, problem + cure);
    }
    if (key.type == Key::Type::group) return check_group(key, value, path);
    if (!fits(key, value)) {
      refuse(path, fmt::format("must be {}, found {}{}", allowed(key), shown(value),
                               suggestion(key, value)));
    }
    if (key.type == Key::Type::map) {
      for (const auto& [name, child] : value.items()) {
        check(key.element.front(), child, join_path(path, name));
      }
    }
    if (key.type == Key::Type::list) {
      for (size_t i = 0; i < value.size(); ++i) {
        check(key.element.front(), value[i], join_path(path, i));
      }
    }
  }

 private:
  void check_group(const Key& group, const json& value, const std::string& path) const {
    for (const auto& [name, child] : value.items()) {
      const bool known = std::any_of(group.keys.begin(), group.keys.end(),
                                     [&name = name](const Key& key) { return key.name == name; });
      if (!known) refuse(join_path(path, name), unknown_key(root_, group, path, name));
    }
    for (const Key& key : group.keys) {
      if (value.contains(key.name)) check(key, value[key.name], join_path(path, key.name));
    }
    for (const Key& key : group.keys) {
      if (key.rules.required) check_required(key, value, path);
    }
    if (!fits(group, value)) refuse(path, "must be: " + group.text);
  }

  void check_required(const Key& key, const json& group, const std::string& path) const {
    const std::string& other = key.rules.not_beside;
    const bool has_other = !other.empty() && group.contains(other);
    const std::string here = join_path(path, key.name);
    if (!group.contains(key.name) && !has_other) {
      refuse(here, "is missing: " + key.text);
    } else if (group.contains(key.name) && has_other) {
      refuse(here, fmt::format("cannot be had beside {0}: remove it, or {0}", other));
    }
  }

  void refuse(const std::string& path, const std::string& problem) const {
    try {
      document_.refuse(path, problem);
    } catch (const RefusedKey& refused) {
      on_refusal_(refused);
    }
  }

  const Document& document_;
  const Key& root_;
  const std::function<void(const RefusedKey&)>& on_refusal_;
};

}  // namespace

bool fits(const Key& key, const json& value) {
  switch (key.type) {
    case Key::Type::boolean:
    case Key::Type::map:
      return true;
    case Key::Type::integer:
    case Key::Type::number:
      return number_fits(key.rules, value.get<double>());
    case Key::Type::text:
      return text_fits(key.rules, value.get_ref<const std::string&>());
    case Key::Type::list:
      return value.size() <= key.rules.max_items.value_or(value.size());
    case Key::Type::group:
      return key.exactly_one.empty() ||
             std::count_if(key.exactly_one.begin(), key.exactly_one.end(),
                           [&](const std::string& name) { return value.contains(name); }) == 1;
  }
  return false;
}

void check_document(const Document& document, const Key& group,
                    const std::function<void(const RefusedKey&)>& on_refusal) {
  Checker(document, group, on_refusal).check(group, document.value, "");
}

void check_document(const Document& document, const Key& group) {
  check_document(document, group, [](const RefusedKey& refused) { throw refused; });
}

}  // namespace ringtrain
