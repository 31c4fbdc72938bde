// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrain::serving {

// Returns what stands for each {} of a pattern, as "/v2/models/{}/infer": a part of one segment,
// percent-decoded and not empty. Nothing where it is another path.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path);

// Returns the values of a query, "a=1&b=2", decoded; of one that comes twice the last.
std::map<std::string, std::string> parse_query(std::string_view query);

}  // namespace ringtrain::serving
