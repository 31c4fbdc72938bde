// SPDX-License-Identifier: Apache-2.0
// Access to a cluster's API server: its address, how to trust it and our credentials, from a
// kubeconfig file or, inside a pod, from its service account.
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
  std::string command;  // looked up in PATH unless it has a '/'
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::string install_hint;
  bool interactive = true;            // may read from the terminal
  bool provide_cluster_info = false;  // needs the server and its certificate authority
};

struct Access {
  std::string origin;      // for messages: "context lab of /home/me/.kube/config"
  std::string server;      // "https://10.0.0.1:6443", without a '/' at the end
  std::string name_space;  // default of every command

  std::string certificate_authority;  // PEM; empty: the system's authorities
  std::string tls_server_name;        // name in the certificate; empty: the server's host
  bool insecure = false;              // insecure-skip-tls-verify
  std::string proxy;                  // empty: as the environment says (https_proxy, no_proxy)

  std::string client_certificate;  // PEM
  std::string client_key;          // PEM
  std::string token;
  std::filesystem::path
      token_file;        // read again for every request, as it is replaced before it expires
  std::string username;  // with a password
  std::string password;
  std::optional<ExecPlugin> plugin;
  std::string impersonated_user;
  std::vector<std::string> impersonated_groups;
};

// Options of the command line; empty: not given.
struct AccessOptions {
  std::string kubeconfig;
  std::string context;
  std::string name_space;
};

// Returns a variable of the environment, empty where it is not set.
using Variable = std::function<std::string(const char* name)>;

// Folder of a pod in which Kubernetes puts a service account's token, ca.crt and namespace.
inline constexpr const char* kServiceAccountDirectory =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// Finds the cluster as kubectl does: --kubeconfig, else the files of $KUBECONFIG, else
// ~/.kube/config, else the service account of the pod that we run in. Throws a job error where
// nothing is found, or the result cannot be used.
Access find_access(const AccessOptions& options, const Variable& variable,
                   const std::filesystem::path& service_account = kServiceAccountDirectory);

// Does the same with the real environment.
Access find_access(const AccessOptions& options);

}  // namespace ringtrain::mpijob
