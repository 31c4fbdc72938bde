// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/access.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "mpijob/client/kubeconfig.hpp"

namespace ringtrain::mpijob {
namespace {

// Returns the files of $KUBECONFIG that exist.
std::vector<std::filesystem::path> listed_files(const std::string& list) {
  std::vector<std::filesystem::path> files;
  for (size_t start = 0; start <= list.size();) {
    const auto colon = std::min(list.find(':', start), list.size());
    const std::string name = list.substr(start, colon - start);
    if (!name.empty() && std::filesystem::exists(name)) files.emplace_back(name);
    start = colon + 1;
  }
  return files;
}

Access from_service_account(const Variable& variable, const std::filesystem::path& directory) {
  Access access;
  access.origin = "the service account of this pod";
  std::string host = variable("KUBERNETES_SERVICE_HOST");
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  const std::string port = variable("KUBERNETES_SERVICE_PORT");
  access.server = fmt::format("https://{}:{}", host, port.empty() ? "443" : port);
  access.token_file = directory / "token";
  try {
    access.certificate_authority = read_file(directory / "ca.crt");
    access.name_space = trimmed(read_file(directory / "namespace"));
  } catch (const std::runtime_error& error) {
    throw job_error(fmt::format("the pod's service account cannot be used: {}", error.what()));
  }
  return access;
}

}  // namespace

Access find_access(const AccessOptions& options, const Variable& variable,
                   const std::filesystem::path& service_account) {
  Access access;
  const std::string list = variable("KUBECONFIG");
  std::vector<std::filesystem::path> files;
  if (!options.kubeconfig.empty()) {
    files = {options.kubeconfig};
  } else if (!list.empty()) {
    files = listed_files(list);
    if (files.empty()) {
      throw job_error(fmt::format("no file of KUBECONFIG exists: {}", list));
    }
  } else if (const std::string home = variable("HOME"); !home.empty()) {
    if (std::filesystem::exists(home + "/.kube/config")) files = {home + "/.kube/config"};
  }
  if (!files.empty()) {
    access = read_kubeconfig(files, options.context);
  } else if (!variable("KUBERNETES_SERVICE_HOST").empty() &&
             std::filesystem::exists(service_account / "token")) {
    if (!options.context.empty()) {
      throw job_error("--context needs a kubeconfig: give one with --kubeconfig or KUBECONFIG");
    }
    access = from_service_account(variable, service_account);
  } else {
    throw job_error(
        "no cluster is configured: there is no ~/.kube/config, and this is not a pod with a "
        "service account; give a kubeconfig with --kubeconfig or KUBECONFIG");
  }
  if (!options.name_space.empty()) access.name_space = options.name_space;
  if (access.name_space.empty()) access.name_space = "default";
  return access;
}

Access find_access(const AccessOptions& options) {
  return find_access(options, [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  });
}

}  // namespace ringtrain::mpijob
