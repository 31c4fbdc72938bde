// SPDX-License-Identifier: Apache-2.0
// Values of the job file by their C++ types: the type in the file, and JSON both ways.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "job/keys/key.hpp"

namespace ringtrain {

template <class M>
struct KeyValue {  // a boolean, a number or a text
  static constexpr Key::Type kType = std::is_same_v<M, bool>       ? Key::Type::boolean
                                     : std::is_integral_v<M>       ? Key::Type::integer
                                     : std::is_floating_point_v<M> ? Key::Type::number
                                                                   : Key::Type::text;
  static nlohmann::json write(const M& value) { return value; }
  static void read(const nlohmann::json& json, M& value) { json.get_to(value); }
};

template <>
struct KeyValue<std::filesystem::path> {
  static constexpr Key::Type kType = Key::Type::text;
  static nlohmann::json write(const std::filesystem::path& path) { return path.string(); }
  static void read(const nlohmann::json& json, std::filesystem::path& path) {
    path = json.get<std::string>();
  }
};

template <class M>
struct KeyValue<std::vector<M>> {
  static constexpr Key::Type kType = Key::Type::list;
  using Element = M;
  static nlohmann::json write(const std::vector<M>& list) { return list; }
  static void read(const nlohmann::json& json, std::vector<M>& list) { json.get_to(list); }
};

template <>
struct KeyValue<std::map<std::string, std::string>> {
  using Map = std::map<std::string, std::string>;
  using Element = std::string;
  static constexpr Key::Type kType = Key::Type::map;
  static nlohmann::json write(const Map& map) { return map; }
  static void read(const nlohmann::json& json, Map& map) { json.get_to(map); }
};

}  // namespace ringtrain
