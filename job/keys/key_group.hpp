// SPDX-License-Identifier: Apache-2.0
// Describes a struct of the job file: each key and the member that holds it.
//
//   KeyGroup<WorkersSpec> workers_keys() {
//     using T = WorkersSpec;
//     KeyGroup<T> group;
//     group.key("min", &T::min, "The fewest ranks to continue with.", {.min = 0, .max = 65536});
//     return group;
//   }
//
// Type and default come from the member of a default-constructed struct. A default that the rules
// do not allow, as an empty name, stands for a key that was left out.
#pragma once

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "job/keys/check.hpp"
#include "job/keys/key.hpp"
#include "job/keys/key_value.hpp"

namespace ringtrain {

template <class S>
class KeyGroup {
 public:
  // A boolean, a number, a text, or a list or map of them.
  template <class M>
  void key(const std::string& name, M S::*member, const std::string& text, KeyRules rules = {}) {
    Key& key = add<M>(name, text, std::move(rules));
    const nlohmann::json initial = KeyValue<M>::write(S{}.*member);
    const bool has_default = !key.rules.required && fits(key, initial);
    if (has_default) {
      key.default_value = initial.is_number_float() ? number_to_json(initial) : initial;
    }
    bind(
        name,
        [=](const S& spec) -> Value {
          nlohmann::json value = KeyValue<M>::write(spec.*member);
          if (!has_default && value == initial) return {};
          return value;
        },
        [=](const nlohmann::json& value, S& spec) { KeyValue<M>::read(value, spec.*member); });
  }

  // The same, and absent where it has no value.
  template <class M>
  void key(const std::string& name, std::optional<M> S::*member, const std::string& text,
           KeyRules rules = {}) {
    add<M>(name, text, std::move(rules));
    bind(
        name,
        [=](const S& spec) -> Value {
          if (!(spec.*member)) return {};
          return KeyValue<M>::write(*(spec.*member));
        },
        [=](const nlohmann::json& value, S& spec) {
          KeyValue<M>::read(value, (spec.*member).emplace());
        });
  }

  // One of several enumerators, each with its name in the file.
  template <class E>
  void choice(const std::string& name, E S::*member,
              const std::vector<std::pair<E, std::string>>& choices, const std::string& text,
              KeyRules rules = {}) {
    Key& key = add<std::string>(name, text, std::move(rules));
    for (const auto& [enumerator, label] : choices) {
      key.rules.one_of.push_back(label);
      if (enumerator == S{}.*member) key.default_value = label;
    }
    bind(
        name,
        [=](const S& spec) -> Value {
          for (const auto& [enumerator, label] : choices) {
            if (enumerator == spec.*member) return label;
          }
          return {};
        },
        [=](const nlohmann::json& value, S& spec) {
          for (const auto& [enumerator, label] : choices) {
            if (value == label) {
              spec.*member = enumerator;
              return;
            }
          }
          throw job_error("not a job: unknown " + name + " " + value.dump());
        });
  }

  // A group in this group, always there.
  template <class C>
  void group(const std::string& name, C S::*member, const std::string& text,
             const KeyGroup<C>& child, OnResume on_resume = OnResume::reported) {
    keys_.push_back(child.as_key(name, text, on_resume));
    bind(
        name, [=](const S& spec) -> Value { return child.write(spec.*member); },
        [=](const nlohmann::json& value, S& spec) { child.read(value, spec.*member); });
  }

  // A group in this group, absent where it has no value.
  template <class C>
  void group(const std::string& name, std::optional<C> S::*member, const std::string& text,
             const KeyGroup<C>& child, OnResume on_resume = OnResume::reported) {
    keys_.push_back(child.as_key(name, text, on_resume));
    bind(
        name,
        [=](const S& spec) -> Value {
          if (!(spec.*member)) return {};
          return child.write(*(spec.*member));
        },
        [=](const nlohmann::json& value, S& spec) { child.read(value, (spec.*member).emplace()); });
  }

  // A group in this group that is no struct of its own.
  void group(const std::string& name, const std::string& text, const KeyGroup& child) {
    keys_.push_back(child.as_key(name, text));
    bind(
        name, [=](const S& spec) -> Value { return child.write(spec); },
        [=](const nlohmann::json& value, S& spec) { child.read(value, spec); });
  }

  // A list of groups. `element` describes one of them.
  template <class C>
  void list(const std::string& name, std::vector<C> S::*member, const std::string& text,
            size_t max_items, const std::string& element, const KeyGroup<C>& child) {
    Key& key = keys_.emplace_back(Key{name, text, Key::Type::list, {.max_items = max_items}});
    key.default_value = nlohmann::json::array();
    key.element.push_back(child.as_key("", element));
    bind(
        name,
        [=](const S& spec) -> Value {
          auto list = nlohmann::json::array();
          for (const C& one : spec.*member) list.push_back(child.write(one));
          return list;
        },
        [=](const nlohmann::json& value, S& spec) {
          (spec.*member).clear();
          for (const auto& one : value) child.read(one, (spec.*member).emplace_back());
        });
  }

  // Makes the key that was added last stand for one value of an enumeration: it is there where the
  // member has this value, and sets it. One of the keys that stand for values must be there.
  template <class E>
  void selects(E S::*member, E enumerator) {
    Member& last = members_.back();
    last.write = [=, write = std::move(last.write)](const S& spec) -> Value {
      if (spec.*member != enumerator) return {};
      return write(spec);
    };
    last.read = [=, read = std::move(last.read)](const nlohmann::json& value, S& spec) {
      spec.*member = enumerator;
      read(value, spec);
    };
    keys_.back().default_value = nullptr;
    exactly_one_.push_back(last.name);
  }

  // Gives all keys that were added, but for those named, the rule not_beside.
  void none_beside(const std::string& other, std::initializer_list<std::string_view> but) {
    for (Key& key : keys_) {
      if (std::find(but.begin(), but.end(), key.name) == but.end()) key.rules.not_beside = other;
    }
  }

  // Keys of this group with values, for refusals of anything else: "min: 2, max: 4".
  void example(const std::string& text) { example_ = text; }

  // Returns every key with its value, but those that are absent.
  nlohmann::json write(const S& spec) const {
    auto group = nlohmann::json::object();
    for (const Member& member : members_) {
      if (Value value = member.write(spec)) group[member.name] = std::move(*value);
    }
    return group;
  }

  // Reads every key that is there. Throws a job error or a nlohmann::json::exception where a value
  // does not fit its member.
  void read(const nlohmann::json& group, S& spec) const {
    if (!group.is_object()) throw job_error("not a job: " + group.dump() + " is no group of keys");
    for (const Member& member : members_) {
      const auto found = group.find(member.name);
      if (found != group.end()) member.read(*found, spec);
    }
  }

  Key as_key(const std::string& name, const std::string& text,
             OnResume on_resume = OnResume::reported) const {
    Key key{name, text, Key::Type::group, {.on_resume = on_resume}};
    key.keys = keys_;
    key.exactly_one = exactly_one_;
    key.example = example_;
    return key;
  }

 private:
  using Value = std::optional<nlohmann::json>;

  struct Member {
    std::string name;
    std::function<Value(const S&)> write;
    std::function<void(const nlohmann::json&, S&)> read;
  };

  template <class Write, class Read>
  void bind(const std::string& name, Write&& write, Read&& read) {
    members_.push_back({name, std::forward<Write>(write), std::forward<Read>(read)});
  }

  template <class M>
  Key& add(const std::string& name, const std::string& text, KeyRules rules) {
    Key& key = keys_.emplace_back(Key{name, text, KeyValue<M>::kType, std::move(rules)});
    if constexpr (requires { typename KeyValue<M>::Element; }) {
      key.element.push_back(Key{"", "", KeyValue<typename KeyValue<M>::Element>::kType, key.rules});
    }
    return key;
  }

  std::vector<Key> keys_;
  std::vector<Member> members_;
  std::vector<std::string> exactly_one_;
  std::string example_;
};

}  // namespace ringtrain
