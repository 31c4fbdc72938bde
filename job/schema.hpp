// SPDX-License-Identifier: Apache-2.0
// The JSON Schema (draft-07) of a whole job file: what `ringtrain schema` prints, what parse.hpp
// checks a file against, and the reference of every key, since each carries a description and its
// default.
#pragma once

#include <string_view>

namespace ringtrain {

// The schema as JSON text. It lives as long as the program.
std::string_view job_schema();

}  // namespace ringtrain
