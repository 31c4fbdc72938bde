// SPDX-License-Identifier: Apache-2.0
// Keys and values in words, for refusals and the reference.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "job/keys/key.hpp"

namespace ringtrain {

// Returns the end of a sentence "must be ...": "a whole number from 1 to 1000000".
std::string allowed(const Key& key);

// Returns what may stand at a path of a job file, as "optimizer.type" or "volumes[0].mount". Where
// the path is no key: the keys of the group around it.
std::string allowed_at(std::string_view path);

// Returns a value as a person would name it: "the text 'abc'", "a list".
std::string shown(const nlohmann::json& value);

// Returns a refusal of a key that the group at `path` does not have, with the path of the key that
// was probably meant, wherever that is; `root` is the group of all keys.
std::string unknown_key(const Key& root, const Key& group, std::string_view path,
                        const std::string& name);

}  // namespace ringtrain
