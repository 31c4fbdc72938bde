// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/credentials.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "mpijob/client/run_program.hpp"
#include "net/base64.hpp"

namespace ringtrain::mpijob {
namespace {

// Credentials are renewed this long before they expire.
constexpr std::chrono::seconds kMargin(10);

PluginCredential parse_plugin_output(const std::string& output, const std::string& command) {
  const auto refuse = [&](const std::string& problem) -> PluginCredential {
    throw job_error(fmt::format("the credential plugin {} {}", command, problem));
  };
  const auto value = nlohmann::json::parse(output, nullptr, false);
  if (!value.is_object() || value.value("kind", "") != "ExecCredential") {
    return refuse("printed no ExecCredential");
  }
  const auto status = value.find("status");
  if (status == value.end() || !status->is_object()) return refuse("returned no credentials");
  PluginCredential result;
  try {
    result.credential.token = status->value("token", "");
    result.credential.client_certificate = status->value("clientCertificateData", "");
    result.credential.client_key = status->value("clientKeyData", "");
    result.expires = parse_time(status->value("expirationTimestamp", ""));
  } catch (const nlohmann::json::exception&) {
    return refuse("printed a status with values that are not strings");
  }
  if (result.credential.client_certificate.empty() != result.credential.client_key.empty()) {
    return refuse("returned only one of clientCertificateData and clientKeyData");
  }
  if (result.credential.token.empty() && result.credential.client_key.empty()) {
    return refuse("returned neither a token nor a client certificate");
  }
  return result;
}

// Runs the plugin; it shares our stderr, and our stdin where it may ask. Throws a job error with
// its install hint where it cannot be started.
PluginCredential run_plugin(const ExecPlugin& plugin, const Access& access) {
  nlohmann::json info = {{"apiVersion", plugin.api_version},
                         {"kind", "ExecCredential"},
                         {"spec", {{"interactive", plugin.interactive}}}};
  if (plugin.provide_cluster_info) {
    info["spec"]["cluster"] = {{"server", access.server},
                               {"insecure-skip-tls-verify", access.insecure}};
    if (!access.tls_server_name.empty()) {
      info["spec"]["cluster"]["tls-server-name"] = access.tls_server_name;
    }
    if (!access.certificate_authority.empty()) {
      info["spec"]["cluster"]["certificate-authority-data"] =
          net::encode_base64(access.certificate_authority);
    }
  }
  auto environment = plugin.environment;
  environment.emplace_back("KUBERNETES_EXEC_INFO", info.dump());
  std::vector<std::string> arguments = {plugin.command};
  arguments.insert(arguments.end(), plugin.arguments.begin(), plugin.arguments.end());
  const ProgramOutput ran = run_program(arguments, environment, plugin.interactive);
  if (!ran.problem.empty()) {
    throw job_error(fmt::format("the credential plugin {} {}{}{}", plugin.command, ran.problem,
                                plugin.install_hint.empty() ? "" : "; ",
                                trimmed(plugin.install_hint)));
  }
  return parse_plugin_output(ran.output, plugin.command);
}

}  // namespace

Credential Credentials::current() {
  // As with kubectl, credentials in the kubeconfig come before a plugin.
  Credential credential{access_.token, access_.client_certificate, access_.client_key};
  if (!access_.token_file.empty()) {
    try {
      credential.token = trimmed(read_file(access_.token_file));
    } catch (const std::runtime_error& error) {
      throw job_error(
          fmt::format("{}: the token cannot be read: {}", access_.origin, error.what()));
    }
  } else if (credential.token.empty() && credential.client_certificate.empty() &&
             access_.username.empty() && access_.plugin) {
    const bool expired = from_plugin_ && from_plugin_->expires &&
                         std::chrono::system_clock::now() > *from_plugin_->expires - kMargin;
    if (!from_plugin_ || expired) from_plugin_ = run_plugin(*access_.plugin, access_);
    credential = from_plugin_->credential;
  }
  last_token_ = credential.token;
  return credential;
}

bool Credentials::renew() {
  const std::string refused = last_token_;
  const bool had_plugin = from_plugin_.has_value();
  from_plugin_.reset();
  return had_plugin || current().token != refused;
}

}  // namespace ringtrain::mpijob
