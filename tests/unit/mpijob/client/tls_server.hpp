// SPDX-License-Identifier: Apache-2.0
// A real HTTPS server on 127.0.0.1 with a certificate authority of its own, for tests of the
// client: what it answers is a function of the request.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace ringtrain::mpijob {

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

struct ReceivedRequest {
  std::string method;
  std::string target;
  std::string headers;  // all lines
  std::string body;
  std::string client;  // the name in the client's certificate; empty: it had none
};

// A reply: the pieces of its body are written one by one. Status 0 closes without an answer.
struct Reply {
  int status = 200;
  std::vector<std::string> pieces;
  std::string type = "application/json";
};

class TlsServer {
 public:
  using Answer = std::function<Reply(const ReceivedRequest& request)>;

  // Asks clients for certificates of `clients`, which they may do without.
  TlsServer(const Identity& identity, const std::string& clients, Answer answer);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // "https://127.0.0.1:PORT"
  std::string url() const;

 private:
  void serve();
  void serve_connection(int connection);

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace ringtrain::mpijob
