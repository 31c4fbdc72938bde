// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ringtrain::datasets {

// Returns the registry that npm itself would use, without a trailing slash: $npm_config_registry
// (in either case), the `registry=` line of the user's npmrc, else the public one.
std::string npm_registry();

}  // namespace ringtrain::datasets
