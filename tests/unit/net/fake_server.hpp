// SPDX-License-Identifier: Apache-2.0
// A real HTTP or HTTPS server on 127.0.0.1 for tests of clients: its answer is a function of the
// request.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.hpp"
#include "tests/unit/net/certificate_authority.hpp"

namespace ringtrain::net {

struct ReceivedRequest {
  std::string method;
  std::string target;
  std::string headers;  // all lines
  std::string body;
  std::string client;  // the name in the client's certificate; empty: it had none
  int connection = 0;  // counted from 1
};

// A reply: the pieces of its body are written one by one. Status 0 closes without an answer.
struct Reply {
  int status = 200;
  std::vector<std::string> pieces;
  std::string type = "application/json";
  std::string header = "Connection: close";  // with keep_open, "Location: /elsewhere" and the like
  bool keep_open = false;                    // states the body's length, and waits for a request
};

class FakeServer {
 public:
  using Answer = std::function<Reply(const ReceivedRequest& request)>;

  // Speaks HTTP.
  explicit FakeServer(Answer answer);
  // Speaks HTTPS. Asks clients for certificates of `clients`, which they may do without.
  FakeServer(const Identity& identity, const std::string& clients, Answer answer);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  // "https://127.0.0.1:PORT"
  std::string url() const;

 private:
  void listen();
  void serve();
  void serve_connection(const FileDescriptor& socket, int number);

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;  // null: HTTP
  Answer answer_;
  FileDescriptor listener_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace ringtrain::net
