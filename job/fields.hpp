// SPDX-License-Identifier: Apache-2.0
// Structs whose members are keys of a JSON object. A struct lists its members once, for writing and
// for reading:
//
//   constexpr auto fields_of(const RankPlacement*) {
//     return std::tuple(field("rank", &RankPlacement::rank), field("host", &RankPlacement::host));
//   }
//
// The writer keeps this order; an empty optional and a number that is not finite become null. The
// reader is tolerant: a missing key leaves its member as it is, unknown keys are ignored, null
// means an empty optional or NaN. A value of the wrong type throws nlohmann::json::exception.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <vector>

namespace ringtrain {

enum class WhenEmpty { null, omit };

template <class T, class M>
struct Field {
  const char* key;
  M T::*member;
  WhenEmpty when_empty;
};

template <class T, class M>
constexpr Field<T, M> field(const char* key, M T::*member, WhenEmpty when_empty = WhenEmpty::null) {
  return {key, member, when_empty};
}

template <class T>
concept HasFields = requires(const T* object) {
  fields_of(object);
};

template <HasFields T>
void put_fields(nlohmann::ordered_json& json, const T& object);
template <HasFields T>
void take_fields(const nlohmann::ordered_json& json, T& object);

// For nlohmann::json, which finds them for members and elements of lists.
template <HasFields T>
void to_json(nlohmann::ordered_json& json, const T& object) {
  json = nlohmann::ordered_json::object();
  put_fields(json, object);
}
template <HasFields T>
void from_json(const nlohmann::ordered_json& json, T& object) {
  take_fields(json, object);
}

namespace detail {

template <class M>
void put(nlohmann::ordered_json& json, const char* key, const M& value, WhenEmpty) {
  json[key] = value;
}

template <class M>
void put(nlohmann::ordered_json& json, const char* key, const std::optional<M>& value,
         WhenEmpty when_empty) {
  if (value) {
    json[key] = *value;
  } else if (when_empty == WhenEmpty::null) {
    json[key] = nullptr;
  }
}

template <class M>
void take(const nlohmann::ordered_json& value, M& into) {
  value.get_to(into);
}

inline void take(const nlohmann::ordered_json& value, double& into) {
  into = value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

inline void take(const nlohmann::ordered_json& value, std::vector<double>& into) {
  into.clear();
  for (const auto& element : value) take(element, into.emplace_back());
}

template <class M>
void take(const nlohmann::ordered_json& value, std::optional<M>& into) {
  into.reset();
  if (!value.is_null()) take(value, into.emplace());
}

}  // namespace detail

// Adds the object's keys to a JSON object.
template <HasFields T>
void put_fields(nlohmann::ordered_json& json, const T& object) {
  std::apply(
      [&](const auto&... one) {
        (detail::put(json, one.key, object.*one.member, one.when_empty), ...);
      },
      fields_of(&object));
}

template <HasFields T>
void take_fields(const nlohmann::ordered_json& json, T& object) {
  const auto take_one = [&](const auto& one) {
    if (const auto found = json.find(one.key); found != json.end()) {
      detail::take(*found, object.*one.member);
    }
  };
  std::apply([&](const auto&... one) { (take_one(one), ...); }, fields_of(&object));
}

}  // namespace ringtrain
