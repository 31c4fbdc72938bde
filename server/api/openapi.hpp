// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "server/api/route.hpp"

namespace ringtrain::server {

// The table of routes as OpenAPI 3.1.
nlohmann::ordered_json openapi(const Routes& routes);

// The same as docs/reference/rest-api.md.
std::string rest_reference(const Routes& routes);

}  // namespace ringtrain::server
