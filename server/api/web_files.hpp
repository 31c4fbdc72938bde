// SPDX-License-Identifier: Apache-2.0
// The files of server/web, inside the program. cmake/EmbedFiles.cmake writes the .cpp.
#pragma once

#include <span>

#include "net/embedded_file.hpp"

namespace ringtrain::server {

std::span<const net::EmbeddedFile> web_files();

}  // namespace ringtrain::server
