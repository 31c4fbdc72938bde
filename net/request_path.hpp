// SPDX-License-Identifier: Apache-2.0
// Addresses of requests, which come from anybody.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ringtrain::net {

// Returns the values of a pattern's names where a path matches it: "/v2/models/{model}/infer", also
// "/v1/models/{model}:predict"; a last "{path...}" takes what is left. Both without query. Values
// are percent-decoded. A part that holds "/" or NUL then, or is no UTF-8, matches nothing.
std::optional<std::map<std::string, std::string>> match_path(std::string_view pattern,
                                                             std::string_view path);

// Splits "a=1&b=x%20y"; of a key that comes twice, the last counts. Nothing where an escape is
// broken, or a value is no UTF-8.
std::optional<std::map<std::string, std::string>> parse_query(std::string_view query);

}  // namespace ringtrain::net
