// SPDX-License-Identifier: Apache-2.0
#include "server/api/dispatch.hpp"

#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <utility>

#include "base/stopwatch.hpp"
#include "net/request_path.hpp"
#include "server/api/cookie.hpp"
#include "server/api/forwarded.hpp"
#include "server/cluster/cluster_users.hpp"
#include "server/problem.hpp"
#include "server/problem_answer.hpp"
#include "server/store/database.hpp"

namespace ringtrain::server {
namespace {

constexpr size_t kMaxPath = 4096;

// Whether the connection of a request with this answer is closed.
bool is_hostile(int status) { return status == 400 || status == 413 || status == 429; }

bool is_change(const net::ServedRequest& request, const Route& route) {
  // A check that is a POST because of its body needs no more than read.
  return !is_safe(request.method) && (route.access != Access::read || request.method != "POST");
}

std::string token_of(const net::ServedRequest& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view authorization = request.header("authorization");
  if (authorization.starts_with(kBearer)) return std::string(authorization.substr(kBearer.size()));
  return cookie_token(request);
}

bool is_enough(Scope scope, Access access) {
  return static_cast<int>(scope) + 1 >= static_cast<int>(access);
}

void add_common_headers(net::Answer& answer) {
  const auto has = [&](std::string_view name) {
    for (const auto& [key, value] : answer.headers) {
      if (key == name) return true;
    }
    return false;
  };
  if (!has("Cache-Control")) answer.headers.emplace_back("Cache-Control", "no-store");
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  answer.headers.emplace_back("Referrer-Policy", "no-referrer");
  answer.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  if (!has("Content-Security-Policy")) {
    answer.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; frame-ancestors 'none'");
  }
}

std::string path_of(const net::ServedRequest& request) {
  return request.target.substr(0, request.target.find('?'));
}

RouteStyle style_of(const Route* route) {
  return route != nullptr ? route->style : RouteStyle::ours;
}

// Names a request in the log: never what it was sent with.
std::string name_of(const net::ServedRequest& request, const Route* route) {
  return fmt::format("{} {}", request.method, route != nullptr ? route->path : "?");
}

bool takes_secret(const net::ServedRequest& request, const Route& route) {
  return route.access == Access::open && !is_safe(request.method);
}

}  // namespace

struct Dispatcher::Found {
  const Route* route = nullptr;
  std::map<std::string, std::string> path;
  std::string allow;  // methods of the path, where the method is not among them
};

Dispatcher::Found Dispatcher::find(const std::string& method, const std::string& path) const {
  Found found;
  const std::string wanted = method == "HEAD" ? "GET" : method;
  for (const Route& route : routes_) {
    auto values = net::match_path(route.path, path);
    if (!values) continue;
    if (route.method == wanted) return {&route, std::move(*values), ""};
    if (found.allow.find(route.method) == std::string::npos) {
      found.allow += (found.allow.empty() ? "" : ", ") + route.method;
    }
  }
  return found;
}

Caller Dispatcher::identify(const net::ServedRequest& request, const Route& route) {
  if (route.access == Access::open) return {};
  const std::string token = token_of(request);
  if (token.empty()) {
    throw Problem(401,
                  "a token is needed: 'Authorization: Bearer TOKEN', where 'ringtrain server "
                  "token' prints TOKEN; a browser signs in by the address that 'ringtrain server "
                  "url' prints");
  }
  auto caller = tokens_.find(token);
  if (!caller && reviewer_ != nullptr) {
    const auto rights = rights_for(route);
    // Whoever guesses shall not keep the cluster busy.
    if (!reviewer_->knows(token, rights)) failures_.check(request.peer);
    try {
      caller = cluster_user(*reviewer_, token, rights);
    } catch (const Problem& problem) {
      if (problem.status() == 401) failures_.note(request.peer);
      throw;
    }
  }
  if (!caller) {
    failures_.check(request.peer);
    failures_.note(request.peer);
    throw Problem(401,
                  "the token is not known here, or is over: 'ringtrain server token' prints "
                  "the owner's");
  }
  if (!is_enough(caller->scope, route.access)) {
    throw Problem(
        403, fmt::format("the token '{}' may only {}", caller->name, scope_name(caller->scope)));
  }
  return *caller;
}

Call Dispatcher::admit(const net::ServedRequest& request, Found found, Caller& caller) {
  const Route& route = *found.route;
  // Routes without a token that change something are those that hand one out.
  if (takes_secret(request, route)) failures_.check(request.peer);
  caller = identify(request, route);
  const size_t mark = request.target.find('?');
  auto query = net::parse_query(mark == std::string::npos ? "" : request.target.substr(mark + 1));
  if (!query) throw Problem(400, "the query is not encoded as it must be");
  const bool is_ours = route.style != RouteStyle::kubeml && !route.receive;
  if (!route.body.empty() && is_ours) check_body_type(request);
  return {request, std::move(found.path), std::move(*query), caller};
}

net::Answer Dispatcher::run(const net::ServedRequest& request, const Route*& route,
                            Caller& caller) {
  check_site(request, site_.hosts);
  if (request.target.size() > kMaxPath) throw Problem(400, "the address is longer than 4 KiB");
  Found found = find(request.method, path_of(request));
  route = found.route;
  if (route == nullptr && found.allow.empty()) {
    throw Problem(404, "there is no such path: GET /openapi.json lists all");
  }
  if (route == nullptr) {
    net::Answer answer =
        problem_answer(Problem(405, fmt::format("this path has {}, not this method", found.allow)),
                       RouteStyle::ours);
    answer.headers.emplace_back("Allow", found.allow);
    return answer;
  }
  const Call call = admit(request, std::move(found), caller);
  try {
    return route->run(call);
  } catch (const Problem& problem) {
    if (takes_secret(request, *route) && problem.status() == 401) failures_.note(request.peer);
    throw;
  }
}

void Dispatcher::record(const net::ServedRequest& request, const Caller& caller,
                        const net::Answer& answer) {
  std::string made;
  for (const auto& [name, value] : answer.headers) {
    if (name == "Location") made = value;
  }
  audit_.add({.by = caller.name.empty() ? "browser" : caller.name,
              .from = request.peer,
              .request = fmt::format("{} {}", request.method, request.target),
              .status = answer.status,
              .made = made});
}

net::Answer Dispatcher::answer(net::ServedRequest request) {
  return answer_at(std::move(request), seconds_now(), true);
}

// `is_new`: it is not looked at again after a review.
net::Answer Dispatcher::answer_at(net::ServedRequest request, double started, bool is_new) {
  const Route* route = nullptr;
  Caller caller;
  net::Answer answer;
  try {
    if (is_new) take_forwarded(request, site_);
    answer = run(request, route, caller);
    if (answer.pending) {
      answer.pending->then = [this, make = std::move(answer.pending->then), route, caller, started,
                              request = std::move(request)] {
        return finished(make, request, route, caller, started);
      };
      return answer;
    }
    if (route != nullptr && is_change(request, *route)) record(request, caller, answer);
  } catch (const ReviewPending& review) {
    review.pending->then = [this, request = std::move(request), started] {
      return answer_at(request, started, false);
    };
    answer.pending = review.pending;
    return answer;
  } catch (const DatabaseDamaged&) {
    throw;
  } catch (const std::exception& error) {
    answer = failure_answer(error, name_of(request, route), style_of(route));
  }
  complete(answer, request, route, started);
  return answer;
}

net::Answer Dispatcher::finished(const std::function<net::Answer()>& make,
                                 const net::ServedRequest& request, const Route* route,
                                 const Caller& caller, double started) {
  net::Answer answer;
  try {
    answer = make();
  } catch (const std::exception& error) {
    answer = failure_answer(error, name_of(request, route), style_of(route));
  }
  if (is_change(request, *route)) record(request, caller, answer);
  complete(answer, request, route, started);
  return answer;
}

// A body on its way, with the request that it belongs to.
struct Dispatcher::Receipt {
  net::ServedRequest request;
  const Route* route = nullptr;
  Caller caller = {};
  double started = seconds_now();
  net::BodyReceiver inner = {};
  std::optional<net::Answer> refusal = {};
};

std::optional<net::BodyReceiver> Dispatcher::receive(const net::ServedRequest& head) {
  auto receipt = std::make_shared<Receipt>(Receipt{.request = head});
  const auto guarded = [receipt](const auto& work) {
    try {
      return work();
    } catch (const std::exception& error) {
      receipt->refusal = failure_answer(error, name_of(receipt->request, receipt->route),
                                        style_of(receipt->route));
      return false;
    }
  };
  Found found = find(head.method, path_of(head));
  if (found.route == nullptr || !found.route->receive) return std::nullopt;
  receipt->route = found.route;
  bool is_admitted = false;
  try {
    is_admitted = guarded([&] {
      take_forwarded(receipt->request, site_);
      check_site(receipt->request, site_.hosts);
      const Call call = admit(receipt->request, std::move(found), receipt->caller);
      receipt->inner = receipt->route->receive(call);
      return true;
    });
  } catch (const ReviewPending& review) {
    return net::BodyReceiver{.pending = review.pending};
  }
  return net::BodyReceiver{.take =
                               [receipt, guarded](std::string_view bytes) {
                                 return guarded([&] { return receipt->inner.take(bytes); });
                               },
                           .finish =
                               [this, receipt, guarded] {
                                 net::Answer answer;
                                 if (!receipt->refusal) {
                                   guarded([&] {
                                     answer = receipt->inner.finish();
                                     return true;
                                   });
                                 }
                                 if (receipt->refusal) answer = std::move(*receipt->refusal);
                                 if (!receipt->caller.name.empty())
                                   record(receipt->request, receipt->caller, answer);
                                 complete(answer, receipt->request, receipt->route,
                                          receipt->started);
                                 return answer;
                               },
                           .wants_body = is_admitted && receipt->inner.wants_body};
}

void Dispatcher::complete(net::Answer& answer, const net::ServedRequest& request,
                          const Route* route, double started) {
  answer.close = answer.close || is_hostile(answer.status);
  add_common_headers(answer);
  times_.add(route ? route->path : "", request.method, answer.status, seconds_now() - started);
}

}  // namespace ringtrain::server
