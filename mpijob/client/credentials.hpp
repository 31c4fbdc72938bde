// SPDX-License-Identifier: Apache-2.0
// What we show to the API server, kept fresh: a token file is read again for every request, an exec
// plugin is run again when what it gave has expired or is no longer accepted.
#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "mpijob/client/access.hpp"

namespace ringtrain::mpijob {

struct Credential {
  std::string token;
  std::string client_certificate;  // PEM
  std::string client_key;          // PEM
};

// What an exec plugin printed: an ExecCredential. Throws a job error that names the plugin.
struct PluginCredential {
  Credential credential;
  std::optional<Time> expires;
};
PluginCredential parse_plugin_output(const std::string& output, const std::string& command);

// Runs the plugin; it shares our stderr, and our stdin where it may ask. Throws a job error with
// its install hint where it is not there.
PluginCredential run_plugin(const ExecPlugin& plugin, const Access& access);

class Credentials {
 public:
  // `access` must outlive the object.
  explicit Credentials(const Access& access) : access_(access) {}

  Credential current();

  // After the server has refused them (401). False where new ones cannot be had, so that trying
  // again is useless.
  bool renew();

 private:
  const Access& access_;
  std::optional<PluginCredential> from_plugin_;
  std::string last_token_;
};

}  // namespace ringtrain::mpijob
