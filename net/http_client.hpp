// SPDX-License-Identifier: Apache-2.0
// HTTP requests by libcurl: whole answers, or bytes as they arrive. Streams that last are in
// http_streams.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace ringtrain::net {

struct TlsOptions {
  std::string authorities;         // PEM; empty: the system's
  std::string client_certificate;  // PEM
  std::string client_key;          // PEM
  std::string server_name;         // name in the server's certificate; empty: the URL's host
  bool verify = true;
};

struct HttpRequest {
  std::string method = "GET";             // HEAD: the answer has no body
  std::string url;                        // http or https
  std::vector<std::string> headers = {};  // "Range: bytes=0-99"
  std::string body = {};
  TlsOptions tls = {};
  std::string proxy = {};  // empty: as the environment says (https_proxy, no_proxy)
  // Connects to public_address.hpp's addresses alone, and to no proxy: for URLs of strangers.
  bool public_addresses_only = false;
  long max_redirects = 0;
  long data_status = 0;                     // the only status whose body goes to OnData; 0: any 2xx
  bool compressed = false;                  // asks for gzip and the like, and unpacks
  uint64_t max_body = uint64_t{256} << 20;  // of an answer that is kept in memory
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{0};     // for the whole of it; 0: none
  std::chrono::seconds silence_timeout{0};  // with no byte at all; 0: none
};

struct HttpResponse {
  long status = 0;
  std::string body = {};  // empty where it went to an OnData
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case
};

// Returns a header's value by its name in lower case; empty where there is none.
std::string header_of(const HttpResponse& response, std::string_view name);

inline bool is_success(const HttpResponse& response) {
  return response.status >= 200 && response.status < 300;
}

enum class HttpFailure {
  not_connected,       // the server has received nothing: any request can be sent again
  server_certificate,  // the server's certificate is not trusted
  client_certificate,  // our certificate or its key cannot be used
  too_large,           // more than max_body
  address_refused,     // not a public address, where only those may be reached
  other,
};

// A request without a whole answer, of the kind `lost`.
class HttpError : public Error {
 public:
  HttpError(HttpFailure failure, const std::string& url, const std::string& reason);
  HttpFailure failure() const { return failure_; }
  // The message without the URL.
  const std::string& reason() const { return reason_; }

 private:
  HttpFailure failure_;
  std::string reason_;
};

// Takes bytes of the body of a success; `total` is its size where the server gives one, else 0.
// What it throws ends the request and reaches the caller.
using OnData = std::function<void(std::string_view bytes, uint64_t total)>;

// Sends requests.
// Thread: any number of threads may share a client. Each request has a libcurl handle of its own;
// idle handles are kept with their open connection for the next request.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Returns the answer, whatever its status. Throws HttpError where there is none.
  HttpResponse perform(const HttpRequest& request, const OnData& on_data = {});

 private:
  struct IdleHandles;
  std::unique_ptr<IdleHandles> idle_;
};

}  // namespace ringtrain::net
