// SPDX-License-Identifier: Apache-2.0
// Access to parts of Kubernetes objects, in which anything may be missing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

namespace ringtrain::mpijob {

// Returns the value at the end of a path of keys; null where there is none.
const nlohmann::json& look(const nlohmann::json& object, std::initializer_list<const char*> path);

// Returns the same as a string, empty where there is none; as a number; as a flag.
std::string look_text(const nlohmann::json& object, std::initializer_list<const char*> path);
int64_t look_number(const nlohmann::json& object, std::initializer_list<const char*> path,
                    int64_t otherwise = 0);
bool look_flag(const nlohmann::json& object, std::initializer_list<const char*> path);

// Returns the condition of a type in status.conditions; null where there is none.
const nlohmann::json& condition(const nlohmann::json& object, const std::string& type);
// Returns whether that condition is "True".
bool has_condition(const nlohmann::json& object, const std::string& type);

// Values of an object's metadata.
std::string name_of(const nlohmann::json& object);
std::string label_of(const nlohmann::json& object, const char* label);

}  // namespace ringtrain::mpijob
