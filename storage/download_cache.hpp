// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

namespace ringtrain::storage {

// Folder of downloads: $RINGTRAIN_CACHE, else $XDG_CACHE_HOME/ringtrain, else
// ~/.cache/ringtrain.
std::filesystem::path cache_directory();

// Writes a file into the cache, whole or not at all. A cache that cannot be written is no error.
void store_in_cache(const std::filesystem::path& path, std::string_view bytes) noexcept;

}  // namespace ringtrain::storage
