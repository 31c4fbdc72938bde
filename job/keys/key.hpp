// SPDX-License-Identifier: Apache-2.0
// The keys of the job file as data. job_keys() is the one description of all of them: the JSON
// Schema, the check of a file and its refusals, JSON both ways, the rules of a resume and
// docs/reference/job-file.md are derived from it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrain {

// The effect of a changed value on a job that resumes from a checkpoint.
enum class OnResume {
  reported,  // training continues differently; the log names the change
  silent,    // affects nothing that was learned, or is meant to change from run to run
  fixed,     // the checkpoint does not fit: its numbers would mean something else
};

// Values of another key beside which a key has no effect.
struct Idle {
  std::string where = {};  // path of the other key; empty: there is none
  std::vector<nlohmann::json> is = {};
};

// Limits of a value. In a list or map, those of numbers and text hold for each element.
struct KeyRules {
  std::optional<double> min = {};
  std::optional<double> above = {};
  std::optional<double> max = {};
  std::optional<double> below = {};
  size_t min_length = 0;  // characters
  std::optional<size_t> max_length = {};
  std::string pattern = {};  // ECMAScript, found anywhere
  std::vector<std::string> one_of = {};
  std::optional<size_t> max_items = {};
  bool required = false;
  // Another key of the group, beside which this one has no effect; or if it is required, beside
  // which it is refused instead.
  std::string not_beside = {};
  OnResume on_resume = OnResume::reported;
  Idle idle = {};
};

struct Key {
  enum class Type { boolean, integer, number, text, list, map, group };

  std::string name;
  std::string text;  // one or two sentences for the user
  Type type = Type::group;
  KeyRules rules = {};
  nlohmann::json default_value = {};          // null: none
  std::vector<Key> keys = {};                 // of a group
  std::vector<Key> element = {};              // of a list or map: one
  std::vector<std::string> exactly_one = {};  // of a group: keys that exclude each other
  std::string example = {};                   // of a group: a few keys, as in "min: 2, max: 4"
};

// Returns the group of all keys.
const Key& job_keys();

// Returns the rule of the key at a path, as "optimizer.type". A group's rule holds for its keys
// where they have the default one.
OnResume on_resume(std::string_view path);

// Returns the paths of the keys with this rule, in the order of job_keys().
std::vector<std::string> keys_on_resume(OnResume rule);

// Returns a whole number as an integer, so that it prints without ".0".
nlohmann::json number_to_json(double number);

}  // namespace ringtrain
