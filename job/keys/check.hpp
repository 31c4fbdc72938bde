// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "job/document.hpp"
#include "job/keys/key.hpp"

namespace ringtrain {

// Checks a document against the keys of a group, and calls `on_refusal` for each value that does
// not fit, with file, line and key, and what is allowed there. What that throws ends the check.
void check_document(const Document& document, const Key& group,
                    const std::function<void(const RefusedKey&)>& on_refusal);

// The same, where the first refusal is thrown.
void check_document(const Document& document, const Key& group);

// Returns whether a value of the key's type is within the key's own rules: not what its keys or
// elements say.
bool fits(const Key& key, const nlohmann::json& value);

}  // namespace ringtrain
