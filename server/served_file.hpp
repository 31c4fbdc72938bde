// SPDX-License-Identifier: Apache-2.0
// Files of a folder as answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_descriptor.hpp"
#include "net/http_server.hpp"

namespace ringtrain::server {

// Opens a file below a folder: no "..", and no link on the way, whatever happens to the names
// meanwhile. Nothing where it is not there.
std::optional<FileDescriptor> open_below(const std::filesystem::path& folder,
                                         const std::string& path);

uint64_t size_of(const FileDescriptor& file);

// The whole file, to be shown.
net::Answer whole_file(FileDescriptor file, const std::string& type);

// The file, to be kept under its name; of `wanted` ("bytes=0-99", or empty) that part.
net::Answer download_answer(FileDescriptor file, const std::string& name, std::string_view wanted);

}  // namespace ringtrain::server
