// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/cache.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "base/error.hpp"
#include "base/file.hpp"

namespace ringtrain::datasets {

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

std::string read_whole(const std::filesystem::path& path, uint64_t max_bytes) {
  const File file = File::open_for_reading(path);
  const uint64_t size = file.size();
  if (size > max_bytes) {
    throw data_error(fmt::format("{}: larger than {} bytes", path.string(), max_bytes));
  }
  std::string bytes(size, '\0');
  file.read_at(bytes.data(), bytes.size(), 0);
  return bytes;
}

void store_in_cache(const std::filesystem::path& path, std::string_view bytes) noexcept {
  try {
    std::filesystem::create_directories(path.parent_path());
    write_whole(path, bytes);
  } catch (const std::exception&) {
    // Fetched again next time.
  }
}

}  // namespace ringtrain::datasets
