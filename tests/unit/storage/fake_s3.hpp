// SPDX-License-Identifier: Apache-2.0
// A small server that speaks S3 on 127.0.0.1, path-style, without checking signatures. Real ones
// are in tests/integration/storage.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/s3/s3_client.hpp"
#include "tests/unit/net/fake_server.hpp"

namespace ringtrain::storage {

class FakeS3 {
 public:
  // A fault answers in place of the server; nothing lets the server answer.
  using Fault = std::function<std::optional<net::Reply>(const net::ReceivedRequest& request)>;

  explicit FakeS3(Fault fault = {});

  // Objects by /BUCKET/KEY, percent-encoded.
  std::map<std::string, std::string> objects();
  void put(const std::string& path, const std::string& bytes);
  // Requests so far: "GET /bucket/key?query".
  std::vector<std::string> requests();
  size_t open_uploads();

  std::string url() const { return server_.url(); }
  // Settings with this server's URL, and keys.
  S3Settings settings() const;

 private:
  net::Reply answer(const net::ReceivedRequest& request);
  net::Reply get(const net::ReceivedRequest& request, const std::string& path);
  net::Reply list(const std::string& bucket, const std::string& query);
  net::Reply post(const net::ReceivedRequest& request, const std::string& path,
                  const std::string& query);
  net::Reply put_object(const net::ReceivedRequest& request, const std::string& path,
                        const std::string& query);

  Fault fault_;
  std::mutex mutex_;
  std::map<std::string, std::string> objects_;
  std::map<std::string, std::map<int, std::string>> uploads_;  // parts by upload
  std::vector<std::string> requests_;
  int versions_ = 0;
  std::map<std::string, int> version_;
  net::FakeServer server_;  // last: its thread uses the rest
};

// Returns a header's value of a request, by its name in lower case.
std::string header_in(const net::ReceivedRequest& request, const std::string& name);

// Retries without waits worth the name.
inline constexpr RetryPolicy kFast{4, std::chrono::milliseconds(1), std::chrono::milliseconds(2)};

}  // namespace ringtrain::storage
