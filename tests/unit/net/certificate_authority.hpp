// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace ringtrain::net {

// A key with its certificate, both PEM.
struct Identity {
  std::string key;
  std::string certificate;
};

// A certificate authority; `make` gives certificates that it has signed.
class Authority {
 public:
  explicit Authority(const std::string& name);
  const std::string& certificate() const { return identity_.certificate; }
  // `alternative_name` as in "IP:127.0.0.1" or "DNS:kubernetes".
  Identity make(const std::string& name, const std::string& alternative_name) const;

 private:
  Identity identity_;
};

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Key read_key(const std::string& pem);
Certificate read_certificate(const std::string& pem);

// Throws std::runtime_error unless a call was good.
void require(bool good, const char* what);

}  // namespace ringtrain::net
