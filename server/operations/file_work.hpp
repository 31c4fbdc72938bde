// SPDX-License-Identifier: Apache-2.0
// Work on whole files, of any size, for a thread of its own (background.hpp).
#pragma once

#include <filesystem>
#include <string>

#include "server/operations/background.hpp"

namespace ringtrain::server {

// Returns the SHA-256 of a file, in hexadecimal; nothing of worth where `state` is cancelled.
// Throws a data error.
std::string sum_of_file(const std::filesystem::path& file, BackgroundState& state);

// Copies a file, which appears whole or not at all. Throws a data or an io error.
void copy_whole_file(const std::filesystem::path& from, const std::filesystem::path& to,
                     BackgroundState& state);

}  // namespace ringtrain::server
