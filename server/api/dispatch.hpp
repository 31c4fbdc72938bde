// SPDX-License-Identifier: Apache-2.0
// From a request to an answer: site, route, token, body, the route's own work, errors, audit.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "net/http_server.hpp"
#include "server/api/audit.hpp"
#include "server/api/failed_tokens.hpp"
#include "server/api/guards.hpp"
#include "server/api/request_times.hpp"
#include "server/api/route.hpp"
#include "server/api/tokens.hpp"
#include "server/cluster/reviewer.hpp"

namespace ringtrain::server {

class Dispatcher {
 public:
  // Everything that is passed by reference must live as long.
  // `reviewer`: of the cluster whose users come with its tokens; null: none do.
  Dispatcher(const Routes& routes, Site site, Tokens& tokens, Audit& audit,
             Reviewer* reviewer = nullptr)
      : routes_(routes),
        site_(std::move(site)),
        tokens_(tokens),
        audit_(audit),
        reviewer_(reviewer) {}

  net::Answer answer(net::ServedRequest request);

  // Returns who takes the body of a request as it arrives, where its route has one: site and token
  // are checked first, and a refusal is answered before the body is read.
  std::optional<net::BodyReceiver> receive(const net::ServedRequest& head);

  const RequestTimes& times() const { return times_; }

 private:
  struct Found;
  struct Receipt;
  Found find(const std::string& method, const std::string& path) const;
  Call admit(const net::ServedRequest& request, Found found, Caller& caller);
  net::Answer answer_at(net::ServedRequest request, double started, bool is_new);
  net::Answer run(const net::ServedRequest& request, const Route*& route, Caller& caller);
  // Makes the answer of a route that had it pending.
  net::Answer finished(const std::function<net::Answer()>& make, const net::ServedRequest& request,
                       const Route* route, const Caller& caller, double started);
  Caller identify(const net::ServedRequest& request, const Route& route);
  void complete(net::Answer& answer, const net::ServedRequest& request, const Route* route,
                double started);
  void record(const net::ServedRequest& request, const Caller& caller, const net::Answer& answer);

  const Routes& routes_;
  const Site site_;
  Tokens& tokens_;
  Audit& audit_;
  Reviewer* const reviewer_;
  RequestTimes times_;
  FailedTokens failures_;
};

}  // namespace ringtrain::server
