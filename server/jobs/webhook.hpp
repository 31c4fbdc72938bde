// SPDX-License-Identifier: Apache-2.0
// A signed POST to an address of the owner's choice when a job comes to rest.
//
// Headers: X-Ringtrain-Delivery (the same for every try) and X-Ringtrain-Signature, "t=TIME,v1=HEX"
// with Unix seconds and the HMAC-SHA256 over "TIME.BODY". A receiver refuses old times, so that
// nobody can send a body again.
//
// Each body is a file of the outbox until the receiver has answered with 2xx, or for a
// day: a server that is killed sends it when it is back. A receiver may get one twice.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "net/http_client.hpp"

namespace ringtrain::server {

struct WebhookOptions {
  std::string url = {};            // empty: none
  std::string secret = {};         // not empty
  bool private_addresses = false;  // may lead to this machine or a private network
};

// Returns the value of X-Ringtrain-Signature. `seconds`: Unix time.
std::string webhook_signature(const std::string& secret, int64_t seconds, const std::string& body);

// Thread: any; posts on one of its own.
class Webhook {
 public:
  // first_pause: after a try that failed; the next ones are twice as long each, up to an hour.
  Webhook(WebhookOptions options, std::filesystem::path outbox,
          std::chrono::milliseconds first_pause = std::chrono::seconds(1));
  ~Webhook();
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  // Sends a body soon; it is safe on disk when this returns. `name`: of letters, digits, '-' and
  // '.', and the same for the same event. Throws an io error.
  void add(const std::string& name, const std::string& body);

 private:
  void run();
  // Sends what is in the outbox. Returns whether all has arrived.
  bool send_all();
  // Returns whether it has arrived or is given up.
  bool send(const std::filesystem::path& file);

  const WebhookOptions options_;
  const std::filesystem::path outbox_;
  const std::chrono::milliseconds first_pause_;
  net::HttpClient http_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_new_ = true;
  bool ends_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace ringtrain::server
