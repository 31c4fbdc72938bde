// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::serving {

// Parses JSON of strangers. Throws a Refusal with status 400: no JSON, or nested too deep.
nlohmann::json parse_json(std::string_view text);

// Appends the numbers of a nested or flat array as elements, in their order. `name`: of the tensor,
// for a Refusal with status 400: what is no number of this type, or more than `most` of them.
void append_numbers(std::string& to, const nlohmann::json& array, datasets::ElementType element,
                    uint64_t most, const std::string& name);

}  // namespace ringtrain::serving
