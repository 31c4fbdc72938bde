// SPDX-License-Identifier: Apache-2.0
// The files of serving/web, inside the program. cmake/EmbedFiles.cmake writes the .cpp.
#pragma once

#include <span>
#include <string_view>

namespace ringtrain::serving {

struct WebFile {
  std::string_view name;  // "draw.js"
  std::string_view bytes;
};

std::span<const WebFile> web_files();

}  // namespace ringtrain::serving
