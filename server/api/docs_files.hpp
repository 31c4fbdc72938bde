// SPDX-License-Identifier: Apache-2.0
// Swagger UI, inside the program. cmake/EmbedPackedFiles.cmake writes the .cpp.
#pragma once

#include <span>
#include <string_view>

namespace ringtrain::server {

struct PackedFile {
  std::string_view name;   // "swagger-ui.css"
  std::string_view bytes;  // packed by gzip
};

// Empty where the build did not find them (scripts/install/web).
std::span<const PackedFile> docs_files();

}  // namespace ringtrain::server
