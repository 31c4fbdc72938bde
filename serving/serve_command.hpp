// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include "serving/serve.hpp"

namespace ringtrain::serving {

// Adds `serve`. options: live as long as the app.
void add_serve(CLI::App& app, ServeOptions& options);

}  // namespace ringtrain::serving
