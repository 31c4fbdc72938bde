// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/json_path.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

const json nothing;  // null

}  // namespace

const json& look(const json& object, std::initializer_list<const char*> path) {
  const json* at = &object;
  for (const char* key : path) {
    if (!at->is_object()) return nothing;
    const auto found = at->find(key);
    if (found == at->end()) return nothing;
    at = &*found;
  }
  return *at;
}

std::string look_text(const json& object, std::initializer_list<const char*> path) {
  const json& value = look(object, path);
  return value.is_string() ? value.get<std::string>() : "";
}

int64_t look_number(const json& object, std::initializer_list<const char*> path,
                    int64_t otherwise) {
  const json& value = look(object, path);
  return value.is_number() ? value.get<int64_t>() : otherwise;
}

bool look_flag(const json& object, std::initializer_list<const char*> path) {
  const json& value = look(object, path);
  return value.is_boolean() && value.get<bool>();
}

const json& condition(const json& object, const std::string& type) {
  const json& conditions = look(object, {"status", "conditions"});
  if (!conditions.is_array()) return nothing;
  for (const json& one : conditions) {
    if (look_text(one, {"type"}) == type) return one;
  }
  return nothing;
}

bool has_condition(const json& object, const std::string& type) {
  return look_text(condition(object, type), {"status"}) == "True";
}

std::string name_of(const json& object) { return look_text(object, {"metadata", "name"}); }

std::string label_of(const json& object, const char* label) {
  return look_text(object, {"metadata", "labels", label});
}

}  // namespace ringtrain::mpijob
