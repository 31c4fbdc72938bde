// SPDX-License-Identifier: Apache-2.0
// Where a cluster's API server is, how to trust it and who we are to it: from a kubeconfig file, or
// inside a pod from its service account.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ringtrain::mpijob {

// A program that prints credentials ("exec" in a kubeconfig).
struct ExecPlugin {
  std::string api_version;
  std::string command;  // looked up in PATH where it holds no '/'
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // beside ours
  std::string install_hint;
  bool interactive = true;            // may read from the terminal
  bool provide_cluster_info = false;  // wants to know server and certificate authority
};

struct Access {
  std::string origin;      // for messages: "context lab of /home/me/.kube/config"
  std::string server;      // "https://10.0.0.1:6443", without a '/' at the end
  std::string name_space;  // where commands work unless told otherwise

  std::string certificate_authority;  // PEM; empty: the system's authorities
  std::string tls_server_name;        // the name in the certificate, where not the server's
  bool insecure = false;              // insecure-skip-tls-verify
  std::string proxy;                  // empty: as the environment says (https_proxy, no_proxy)

  std::string client_certificate;  // PEM
  std::string client_key;          // PEM
  std::string token;
  std::filesystem::path token_file;  // read again for every request: it is replaced as it expires
  std::string username;              // with a password
  std::string password;
  std::optional<ExecPlugin> plugin;
  std::string impersonated_user;
  std::vector<std::string> impersonated_groups;
};

// What the command line says; empty: not said.
struct AccessOptions {
  std::string kubeconfig;
  std::string context;
  std::string name_space;
};

// A variable of the environment, empty where it is not set.
using Variable = std::function<std::string(const char* name)>;

// The place where Kubernetes puts a service account's token, ca.crt and namespace.
inline constexpr const char* service_account_directory =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// As kubectl does: --kubeconfig, else the files of $KUBECONFIG, else ~/.kube/config, else the
// service account of the pod that we run in. Throws a job error where nothing is found, or what is
// found cannot be used.
Access find_access(const AccessOptions& options, const Variable& variable,
                   const std::filesystem::path& service_account = service_account_directory);

// The same with the real environment.
Access find_access(const AccessOptions& options);

}  // namespace ringtrain::mpijob
