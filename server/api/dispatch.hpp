// SPDX-License-Identifier: Apache-2.0
// From a request to an answer: site, route, token, body, the route's own work, errors.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>

#include "net/http_server.hpp"
#include "server/api/guards.hpp"
#include "server/api/request_times.hpp"
#include "server/api/route.hpp"
#include "server/api/tokens.hpp"

namespace ringtrain::server {

class Dispatcher {
 public:
  Dispatcher(const Routes& routes, AllowedHosts hosts, Tokens& tokens)
      : routes_(routes), hosts_(std::move(hosts)), tokens_(tokens) {}

  net::Answer answer(const net::ServedRequest& request);

  const RequestTimes& times() const { return times_; }

 private:
  struct Found;
  Found find(const std::string& method, const std::string& path) const;
  net::Answer run(const net::ServedRequest& request, const Route*& route);
  Caller identify(const net::ServedRequest& request, const Route& route);
  void note_failure(const std::string& peer);
  void check_failures(const std::string& peer);

  const Routes& routes_;
  const AllowedHosts hosts_;
  Tokens& tokens_;
  RequestTimes times_;
  // Times of requests with a wrong token, by address.
  std::map<std::string, std::deque<std::chrono::steady_clock::time_point>> failures_;
};

}  // namespace ringtrain::server
