// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace ringtrain {

// The whole of a small file (at most 4 MiB). Throws std::runtime_error "PATH: why not".
std::string read_text_file(const std::filesystem::path& file);

}  // namespace ringtrain
