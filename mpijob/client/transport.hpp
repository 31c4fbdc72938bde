// SPDX-License-Identifier: Apache-2.0
// HTTP to one API server: our credentials, single requests, and streams (watches, logs that are
// followed) beside them. TLS is verified against the kubeconfig's certificate authority.
//
// Thread: one at a time. Streams progress while wait() runs; callbacks must not call the Transport.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "mpijob/client/access.hpp"
#include "mpijob/client/credentials.hpp"
#include "net/http_client.hpp"
#include "net/http_streams.hpp"

namespace ringtrain::mpijob {

struct ApiRequest {
  std::string method = "GET";
  std::string target;  // "/api/v1/namespaces/lab/pods?limit=500"
  std::string body = {};
  std::string content_type = "application/json";
  std::chrono::milliseconds timeout{30'000};  // for the whole of it
};

// How a stream ended. status 0: there was no answer, or the connection broke, and `problem` says
// how; else `body` is the answer where it was no success.
struct StreamEnd {
  long status = 0;
  std::string body = {};
  std::string problem;
};

class Transport {
 public:
  // Warns on stderr where TLS is not verified.
  explicit Transport(Access access);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  const Access& access() const { return access_; }

  // Returns the server's answer, whatever its status. Renews credentials once on 401; repeats for
  // some seconds reads that meet an overloaded server (429, 502, 503, 504), and any request whose
  // connection cannot be made. Throws an ApiError of status 0 where there is no answer.
  net::HttpResponse perform(const ApiRequest& request);

  using OnData = std::function<void(std::string_view bytes)>;
  using OnEnd = std::function<void(const StreamEnd& end)>;
  using StreamPointer = net::HttpStreams::StreamPointer;

  // Starts a GET whose answer comes piece by piece; bytes of a success only go to `on_data`. The
  // stream closes with its owner, which must not outlive the Transport.
  StreamPointer open(const ApiRequest& request, OnData on_data, OnEnd on_end);

  // Returns true as soon as a stream has received data or has ended, false after `at_most`.
  bool wait(std::chrono::milliseconds at_most) { return streams_.wait(at_most); }

  // Is for a stream that ended with 401. Returns false where trying again is useless.
  bool renew_credentials() { return credentials_.renew(); }

 private:
  net::HttpRequest with_credentials(const ApiRequest& request);

  const Access access_;
  Credentials credentials_{access_};
  net::HttpClient client_;
  net::HttpStreams streams_;
};

}  // namespace ringtrain::mpijob
