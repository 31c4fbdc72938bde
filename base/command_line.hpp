// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include "base/error.hpp"

namespace ringtrain {

// Shows the help or the version that was asked for, or what is wrong with the arguments. Returns the
// exit code of the program.
inline int exit_code_of(const CLI::App& app, const CLI::ParseError& error) {
  return app.exit(error) == 0 ? 0 : kExitBadJob;
}

}  // namespace ringtrain
