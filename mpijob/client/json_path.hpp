// SPDX-License-Identifier: Apache-2.0
// Looking into Kubernetes objects, where anything may be missing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

namespace ringtrain::mpijob {

// What lies at the end of a path of keys; null where it breaks off.
const nlohmann::json& look(const nlohmann::json& object, std::initializer_list<const char*> path);

// The same as a text, empty where there is none; as a number; as a flag.
std::string look_text(const nlohmann::json& object, std::initializer_list<const char*> path);
int64_t look_number(const nlohmann::json& object, std::initializer_list<const char*> path,
                    int64_t otherwise = 0);
bool look_flag(const nlohmann::json& object, std::initializer_list<const char*> path);

// The condition of a type in status.conditions; null where there is none.
const nlohmann::json& condition(const nlohmann::json& object, const std::string& type);
// Whether it is "True".
bool has_condition(const nlohmann::json& object, const std::string& type);

// Of metadata.
std::string name_of(const nlohmann::json& object);
std::string label_of(const nlohmann::json& object, const char* label);

}  // namespace ringtrain::mpijob
