// SPDX-License-Identifier: Apache-2.0
#include "storage/download_cache.hpp"

#include <cstdlib>
#include <exception>

#include "base/file.hpp"

namespace ringtrain::storage {

std::filesystem::path cache_directory() {
  const auto variable = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
  };
  if (const auto own = variable("RINGTRAIN_CACHE"); !own.empty()) return own;
  if (const auto xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) return xdg / "ringtrain";
  if (const auto home = variable("HOME"); !home.empty()) return home / ".cache" / "ringtrain";
  return std::filesystem::temp_directory_path() / "ringtrain";
}

void store_in_cache(const std::filesystem::path& path, std::string_view bytes) noexcept {
  try {
    std::filesystem::create_directories(path.parent_path());
    write_file(path, bytes);
  } catch (const std::exception&) {
    return;  // fetched again next time
  }
}

}  // namespace ringtrain::storage
