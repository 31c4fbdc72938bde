// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/resource.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/error.hpp"

namespace ringtrain::mpijob {

std::string Resource::qualified() const {
  const auto slash = api_version.find('/');
  return slash == std::string::npos ? plural : plural + "." + api_version.substr(0, slash);
}

Resource resource_of(const std::string& api_version, const std::string& kind) {
  static constexpr std::array<std::pair<const char*, const char*>, 11> kPlurals = {{
      {"MPIJob", "mpijobs"},
      {"Job", "jobs"},
      {"ConfigMap", "configmaps"},
      {"Secret", "secrets"},
      {"Service", "services"},
      {"ServiceAccount", "serviceaccounts"},
      {"PersistentVolumeClaim", "persistentvolumeclaims"},
      {"Role", "roles"},
      {"RoleBinding", "rolebindings"},
      {"NetworkPolicy", "networkpolicies"},
      {"PodDisruptionBudget", "poddisruptionbudgets"},
  }};
  for (const auto& [known, plural] : kPlurals) {
    if (kind == known) return {api_version, plural, kind};
  }
  throw job_error(fmt::format("no job has objects of kind {}", kind));
}

std::string address(const Resource& resource, const std::string& name_space,
                    const std::string& name) {
  const bool core = resource.api_version.find('/') == std::string::npos;
  const auto slash = resource.plural.find('/');  // "pods/log"
  std::string result =
      fmt::format("/{}/{}/namespaces/{}/{}", core ? "api" : "apis", resource.api_version,
                  url_escape(name_space), resource.plural.substr(0, slash));
  if (!name.empty()) result += "/" + url_escape(name);
  if (slash != std::string::npos) result += resource.plural.substr(slash);
  return result;
}

std::string url_escape(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

}  // namespace ringtrain::mpijob
