// SPDX-License-Identifier: Apache-2.0
// HTTP to one API server by libcurl: single requests, and streams (watches, logs that are followed)
// beside them. TLS is verified against the kubeconfig's certificate authority.
//
// Nothing here has threads: streams get their data while perform() or wait() runs. Callbacks must
// not call the Transport.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "mpijob/client/access.hpp"

namespace ringtrain::mpijob {

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // "/api/v1/namespaces/lab/pods?limit=500"
  std::string body = {};
  std::string content_type = "application/json";
  std::chrono::milliseconds timeout{30'000};  // for the whole of it
};

struct HttpResponse {
  long status = 0;
  std::string body = {};
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
  // Says on stderr where TLS is not verified. Throws a job error where the access cannot be used.
  explicit Transport(Access access);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  const Access& access() const;

  // The server's answer, whatever its status. Renews credentials once on 401; reads that meet an
  // overloaded server (429, 502, 503, 504) or a connection that cannot be made are tried again for
  // some seconds. Throws an ApiError of status 0 where there is no answer.
  HttpResponse perform(const HttpRequest& request);

  using OnData = std::function<void(std::string_view bytes)>;
  using OnEnd = std::function<void(const StreamEnd& end)>;

  // Closes with its owner, which must not outlive the Transport.
  class Stream;
  using StreamPointer = std::unique_ptr<Stream, void (*)(Stream*)>;

  // Starts a GET whose answer comes piece by piece; bytes of a success only go to `on_data`.
  StreamPointer open(const HttpRequest& request, OnData on_data, OnEnd on_end);

  // Waits until a stream has got data or ended, or the time is over. True in the first case.
  bool wait(std::chrono::milliseconds at_most);

  // For a stream that ended with 401. False where it is useless to try again.
  bool renew_credentials();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringtrain::mpijob
