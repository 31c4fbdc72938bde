// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "job/document.hpp"
#include "job/keys/key.hpp"

namespace ringtrain {

// Checks a document against the keys of a group. The first value that does not fit is a job error
// that names file, line and key, and says what is allowed there.
void check_document(const Document& document, const Key& group);

// Returns whether a value of the key's type is within the key's own rules: not what its keys or
// elements say.
bool fits(const Key& key, const nlohmann::json& value);

}  // namespace ringtrain
