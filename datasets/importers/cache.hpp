// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace ringtrain::datasets {

// Where downloads are kept: $RINGTRAIN_CACHE, else $XDG_CACHE_HOME/ringtrain, else
// ~/.cache/ringtrain.
std::filesystem::path cache_directory();

// The bytes of a file of at most `max_bytes`. Throws a data error.
std::string read_whole(const std::filesystem::path& path, uint64_t max_bytes);

// Writes a file into the cache, whole or not at all. A cache that cannot be written is no error.
void store_in_cache(const std::filesystem::path& path, std::string_view bytes) noexcept;

}  // namespace ringtrain::datasets
