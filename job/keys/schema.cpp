// SPDX-License-Identifier: Apache-2.0
#include "job/keys/schema.hpp"

#include <nlohmann/json.hpp>

#include "job/keys/key.hpp"

namespace ringtrain {
namespace {

using nlohmann::ordered_json;

const char* type_name(Key::Type type) {
  switch (type) {
    case Key::Type::boolean:
      return "boolean";
    case Key::Type::integer:
      return "integer";
    case Key::Type::number:
      return "number";
    case Key::Type::text:
      return "string";
    case Key::Type::list:
      return "array";
    case Key::Type::map:
    case Key::Type::group:
      return "object";
  }
  return "";
}

void put_bound(ordered_json& schema, const char* keyword, const std::optional<double>& bound) {
  if (bound) schema[keyword] = number_to_json(*bound);
}

void put_rules(ordered_json& schema, const Key& key) {
  const KeyRules& rules = key.rules;
  switch (key.type) {
    case Key::Type::integer:
    case Key::Type::number:
      put_bound(schema, "minimum", rules.min);
      put_bound(schema, "exclusiveMinimum", rules.above);
      put_bound(schema, "maximum", rules.max);
      put_bound(schema, "exclusiveMaximum", rules.below);
      break;
    case Key::Type::text:
      if (!rules.one_of.empty()) schema["enum"] = rules.one_of;
      if (rules.min_length > 0) schema["minLength"] = rules.min_length;
      if (rules.max_length) schema["maxLength"] = *rules.max_length;
      if (!rules.pattern.empty()) schema["pattern"] = rules.pattern;
      break;
    case Key::Type::list:
      if (rules.max_items) schema["maxItems"] = *rules.max_items;
      break;
    case Key::Type::boolean:
    case Key::Type::map:
    case Key::Type::group:
      break;
  }
}

ordered_json schema_of(const Key& key);

// Keys that are required without another key, and refused beside it.
void put_either(ordered_json& schema, const std::string& other, const ordered_json& required) {
  auto refused = ordered_json::array();
  for (const auto& name : required) refused.push_back({{"required", {name}}});
  schema["oneOf"].push_back({{"required", {other}}, {"not", {{"anyOf", std::move(refused)}}}});
  schema["oneOf"].push_back({{"required", required}, {"not", {{"required", {other}}}}});
}

void put_keys(ordered_json& schema, const Key& group) {
  schema["additionalProperties"] = false;
  auto properties = ordered_json::object();
  auto required = ordered_json::array();
  auto required_without = ordered_json::object();
  for (const Key& key : group.keys) {
    properties[key.name] = schema_of(key);
    if (!key.rules.required) continue;
    const std::string& other = key.rules.not_beside;
    (other.empty() ? required : required_without[other]).push_back(key.name);
  }
  if (!required.empty()) schema["required"] = std::move(required);
  schema["properties"] = std::move(properties);
  for (const auto& [other, names] : required_without.items()) put_either(schema, other, names);
  for (const std::string& name : group.exactly_one) {
    schema["oneOf"].push_back({{"required", {name}}});
  }
}

ordered_json schema_of(const Key& key) {
  ordered_json schema;
  if (!key.text.empty()) schema["description"] = key.text;
  schema["type"] = type_name(key.type);
  put_rules(schema, key);
  if (!key.default_value.is_null()) schema["default"] = key.default_value;
  if (key.type == Key::Type::list) schema["items"] = schema_of(key.element.front());
  if (key.type == Key::Type::map) schema["additionalProperties"] = schema_of(key.element.front());
  if (key.type == Key::Type::group) put_keys(schema, key);
  return schema;
}

}  // namespace

std::string job_schema() {
  ordered_json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                         {"title", "ringtrain job"}};
  schema.update(schema_of(job_keys()));
  return schema.dump(2);
}

}  // namespace ringtrain
