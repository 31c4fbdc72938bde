// SPDX-License-Identifier: Apache-2.0
// Credentials for the API server, kept fresh: a token file is read again for every request, an exec
// plugin is run again when its credentials have expired or are no longer accepted.
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

// The ExecCredential that an exec plugin printed.
struct PluginCredential {
  Credential credential;
  std::optional<Time> expires;
};

class Credentials {
 public:
  // `access` must outlive the object.
  explicit Credentials(const Access& access) : access_(access) {}

  // Returns the credentials for the next request. Throws a job error where a token file cannot be
  // read or a plugin fails.
  Credential current();

  // Replaces credentials that the server has refused (401). Returns false where there are no other
  // ones, so that trying again is useless.
  bool renew();

 private:
  const Access& access_;
  std::optional<PluginCredential> from_plugin_;
  std::string last_token_;
};

}  // namespace ringtrain::mpijob
