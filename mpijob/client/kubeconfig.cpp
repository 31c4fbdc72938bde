// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/kubeconfig.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <optional>

#include "base/error.hpp"
#include "base/file.hpp"
#include "net/base64.hpp"

namespace ringtrain::mpijob {
namespace {

// One cluster, user or context, and the file that defines it.
struct Entry {
  std::filesystem::path file;
  std::string name;
  YAML::Node value;

  [[noreturn]] void refuse(const std::string& problem) const {
    throw job_error(fmt::format("{}: {}: {}", file.string(), name, problem));
  }

  std::string text(const char* key) const {
    const YAML::Node node = value[key];
    if (!node || node.IsNull()) return "";
    if (!node.IsScalar()) refuse(fmt::format("{} is not a string", key));
    return node.Scalar();
  }

  bool flag(const char* key) const {
    const std::string given = text(key);
    if (!given.empty() && given != "true" && given != "false") {
      refuse(fmt::format("{} is neither true nor false", key));
    }
    return given == "true";
  }

  std::filesystem::path path(const char* key) const {
    const std::string given = text(key);
    return given.empty() ? std::filesystem::path() : file.parent_path() / given;
  }

  // Returns PEM from this file (KEY-data, base64) or from a file of its own (KEY).
  std::string pem(const std::string& key) const {
    const std::string data = text((key + "-data").c_str());
    if (!data.empty()) {
      const std::optional<std::string> decoded = net::decode_base64(data);
      if (!decoded) refuse(fmt::format("{}-data is not base64", key));
      return *decoded;
    }
    const std::filesystem::path where = path(key.c_str());
    if (where.empty()) return "";
    try {
      return read_file(where);
    } catch (const std::runtime_error& error) {
      refuse(fmt::format("{}: {}", key, error.what()));
    }
  }
};

struct Config {
  std::filesystem::path file;
  YAML::Node root;
};

std::vector<Config> load(const std::vector<std::filesystem::path>& files) {
  std::vector<Config> configs;
  for (const std::filesystem::path& file : files) {
    try {
      configs.push_back({file, YAML::Load(read_file(file))});
    } catch (const YAML::Exception& error) {
      throw job_error(fmt::format("{}:{}: not a kubeconfig: {}", file.string(), error.mark.line + 1,
                                  error.msg));
    } catch (const std::runtime_error& error) {
      throw job_error(fmt::format("kubeconfig {}", error.what()));
    }
    if (!configs.back().root.IsMap()) {
      throw job_error(fmt::format("{}: not a kubeconfig: not a map of keys", file.string()));
    }
  }
  return configs;
}

// Finds an entry by name. `list` is clusters, users or contexts; `kind` the key of an entry's
// content.
std::optional<Entry> find(const std::vector<Config>& configs, const char* list, const char* kind,
                          const std::string& name) {
  for (const Config& config : configs) {
    const YAML::Node entries = config.root[list];
    if (!entries || !entries.IsSequence()) continue;
    for (const YAML::Node& entry : entries) {
      if (!entry.IsMap() || !entry["name"] || !entry["name"].IsScalar()) continue;
      if (entry["name"].Scalar() != name) continue;
      const YAML::Node value = entry[kind];
      return Entry{config.file, fmt::format("{} {}", kind, name),
                   value && value.IsMap() ? value : YAML::Node(YAML::NodeType::Map)};
    }
  }
  return std::nullopt;
}

std::string names(const std::vector<Config>& configs, const char* list) {
  std::string text;
  for (const Config& config : configs) {
    const YAML::Node entries = config.root[list];
    if (!entries || !entries.IsSequence()) continue;
    for (const YAML::Node& entry : entries) {
      if (!entry.IsMap() || !entry["name"] || !entry["name"].IsScalar()) continue;
      text += (text.empty() ? "" : ", ") + entry["name"].Scalar();
    }
  }
  return text.empty() ? "none" : text;
}

ExecPlugin read_plugin(const Entry& user) {
  const Entry exec{user.file, user.name + ": exec", user.value["exec"]};
  if (!exec.value.IsMap()) exec.refuse("not a map of keys");
  ExecPlugin plugin;
  plugin.api_version = exec.text("apiVersion");
  plugin.command = exec.text("command");
  if (plugin.command.empty()) exec.refuse("command is missing");
  if (!plugin.api_version.starts_with("client.authentication.k8s.io/")) {
    exec.refuse("apiVersion is not client.authentication.k8s.io/v1 or v1beta1");
  }
  // A path with folders is relative to the file's own; a bare name is looked up in PATH.
  if (plugin.command.find('/') != std::string::npos) {
    plugin.command = (exec.file.parent_path() / plugin.command).string();
  }
  for (const YAML::Node& argument : exec.value["args"]) {
    plugin.arguments.push_back(argument.as<std::string>());
  }
  for (const YAML::Node& variable : exec.value["env"]) {
    plugin.environment.emplace_back(variable["name"].as<std::string>(),
                                    variable["value"].as<std::string>(""));
  }
  plugin.install_hint = exec.text("installHint");
  plugin.interactive = exec.text("interactiveMode") != "Never";
  plugin.provide_cluster_info = exec.flag("provideClusterInfo");
  return plugin;
}

void read_user(const Entry& user, Access& access) {
  if (user.value["auth-provider"]) {
    user.refuse(
        "auth-provider was removed from Kubernetes in 1.26: set up an exec plugin, as your "
        "provider's current tools do");
  }
  access.client_certificate = user.pem("client-certificate");
  access.client_key = user.pem("client-key");
  if (access.client_certificate.empty() != access.client_key.empty()) {
    user.refuse("client-certificate and client-key need each other");
  }
  access.token = user.text("token");
  access.token_file = user.path("tokenFile");
  access.username = user.text("username");
  access.password = user.text("password");
  access.impersonated_user = user.text("as");
  for (const YAML::Node& group : user.value["as-groups"]) {
    access.impersonated_groups.push_back(group.as<std::string>());
  }
  if (user.value["exec"]) access.plugin = read_plugin(user);
}

}  // namespace

Access read_kubeconfig(const std::vector<std::filesystem::path>& files,
                       const std::string& context) {
  const std::vector<Config> configs = load(files);
  std::string chosen = context;
  for (const Config& config : configs) {
    const YAML::Node current = config.root["current-context"];
    if (chosen.empty() && current && current.IsScalar()) chosen = current.Scalar();
  }
  const std::string first = files.front().string();
  if (chosen.empty()) {
    throw job_error(fmt::format("{}: no current-context: choose one with --context ({})", first,
                                names(configs, "contexts")));
  }
  const auto found = find(configs, "contexts", "context", chosen);
  if (!found) {
    throw job_error(fmt::format("{}: context {} does not exist (contexts: {})", first, chosen,
                                names(configs, "contexts")));
  }
  try {
    Access access;
    access.origin = fmt::format("context {} of {}", chosen, found->file.string());
    access.name_space = found->text("namespace");

    const std::string cluster_name = found->text("cluster");
    const auto cluster = find(configs, "clusters", "cluster", cluster_name);
    if (!cluster) found->refuse(fmt::format("cluster '{}' does not exist", cluster_name));
    access.server = cluster->text("server");
    while (access.server.ends_with('/')) access.server.pop_back();
    if (!access.server.starts_with("https://") && !access.server.starts_with("http://")) {
      cluster->refuse("server is not a URL that starts with https://");
    }
    access.certificate_authority = cluster->pem("certificate-authority");
    access.tls_server_name = cluster->text("tls-server-name");
    access.insecure = cluster->flag("insecure-skip-tls-verify");
    access.proxy = cluster->text("proxy-url");
    if (access.insecure && !access.certificate_authority.empty()) {
      cluster->refuse("certificate-authority and insecure-skip-tls-verify exclude each other");
    }

    const std::string user_name = found->text("user");
    if (!user_name.empty()) {
      const auto user = find(configs, "users", "user", user_name);
      if (!user) found->refuse(fmt::format("user '{}' does not exist", user_name));
      read_user(*user, access);
    }
    return access;
  } catch (const YAML::Exception& error) {
    throw job_error(fmt::format("{}: {}", found->file.string(), error.what()));
  }
}

}  // namespace ringtrain::mpijob
