// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `render`, which prints a job as the Kubernetes objects that run it.
void add_render_command(CLI::App& app);

}  // namespace ringtrain::launcher
