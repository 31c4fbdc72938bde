// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ringtrain {

// Returns the JSON Schema (draft-07) of a whole job file: each key with its text, type, limits and
// default.
std::string job_schema();

}  // namespace ringtrain
