// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "job/document.hpp"

namespace ringtrain {

// Checks a document against a JSON Schema. The first thing that does not fit is a job error that
// names file, line and key, and says what is allowed there.
void validate(const Document& document, std::string_view schema_text);

}  // namespace ringtrain
