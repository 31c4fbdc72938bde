// SPDX-License-Identifier: Apache-2.0
// Swagger UI, packed, inside the program. cmake/EmbedPackedFiles.cmake writes the .cpp.
#pragma once

#include <span>

#include "net/embedded_file.hpp"

namespace ringtrain::server {

// Empty where the build did not find them (scripts/install/web).
std::span<const net::EmbeddedFile> docs_files();

}  // namespace ringtrain::server
