// SPDX-License-Identifier: Apache-2.0
// YAML texts as documents. Only the YAML of a job file is allowed: one document of maps, lists and
// plain values. Everything that could surprise (aliases, type tags, duplicate keys, deep nesting,
// numbers out of range, control characters) is refused with a job error.
#pragma once

#include <string>

#include "job/document.hpp"

namespace ringtrain {

// `name` stands in messages and origins, with line numbers: "job.yaml" gives "job.yaml:3".
Document parse_yaml(const std::string& text, const std::string& name);

// One value, as it stands after --set key=. Every origin is "--set key".
Document parse_override_value(const std::string& text, const std::string& key);

}  // namespace ringtrain
