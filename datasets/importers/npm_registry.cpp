// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/npm_registry.hpp"

#include <cstdlib>
#include <fstream>
#include <optional>

#include "base/text.hpp"

namespace ringtrain::datasets {
namespace {

std::optional<std::string> registry_line(const std::string& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    if (trimmed(line.substr(0, equals), " \t") != "registry") continue;
    std::string value(trimmed(line.substr(equals + 1), " \t\r\"'"));
    if (!value.empty()) return value;
  }
  return std::nullopt;
}

std::string configured() {
  for (const char* name : {"npm_config_registry", "NPM_CONFIG_REGISTRY"}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != 0) return value;
  }
  for (const char* name : {"npm_config_userconfig", "NPM_CONFIG_USERCONFIG"}) {
    if (const char* path = std::getenv(name); path != nullptr && *path != 0) {
      if (auto value = registry_line(path)) return *value;
    }
  }
  if (const char* home = std::getenv("HOME"); home != nullptr) {
    if (auto value = registry_line(std::string(home) + "/.npmrc")) return *value;
  }
  if (auto value = registry_line("/etc/npmrc")) return *value;
  return "https://registry.npmjs.org";
}

}  // namespace

std::string npm_registry() {
  std::string url = configured();
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace ringtrain::datasets
