// SPDX-License-Identifier: Apache-2.0
#include "server/api/dispatch.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/stopwatch.hpp"
#include "server/api/cookie.hpp"
#include "server/api/forwarded.hpp"
#include "server/cluster/cluster_users.hpp"
#include "server/problem.hpp"
#include "server/store/database.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMaxPath = 4096;

const char* title_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    case 507:
      return "Insufficient Storage";
    default:
      return "Internal Server Error";
  }
}

net::Answer problem_answer(const Problem& problem, bool as_seed) {
  ordered_json json;
  net::Headers headers;
  if (as_seed) {
    json = {{"detail", problem.detail()}};
    if (problem.more().contains("detail")) json = problem.more();
    headers = {{"Content-Type", "application/json"}};
  } else {
    json = {{"type", "about:blank"},
            {"title", title_of(problem.status())},
            {"status", problem.status()},
            {"detail", problem.detail()}};
    json.update(problem.more());
    headers = {{"Content-Type", "application/problem+json"}};
  }
  if (problem.status() == 401) headers.emplace_back("WWW-Authenticate", "Bearer");
  if (problem.status() == 429) headers.emplace_back("Retry-After", "60");
  if (problem.status() == 503) headers.emplace_back("Retry-After", "1");
  if (!problem.location().empty()) headers.emplace_back("Location", problem.location());
  return {.status = problem.status(),
          .headers = headers,
          .body = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) +
                  (as_seed ? "" : "\n")};
}

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
    auto values = match_path(route.path, path);
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

net::Answer Dispatcher::run(const net::ServedRequest& request, const Route*& route,
                            Caller& caller) {
  check_site(request, site_.hosts);
  const size_t mark = request.target.find('?');
  const std::string path = request.target.substr(0, mark);
  const auto query = parse_query(mark == std::string::npos ? "" : request.target.substr(mark + 1));
  if (request.target.size() > kMaxPath) throw Problem(400, "the address is longer than 4 KiB");
  Found found = find(request.method, path);
  route = found.route;
  if (route == nullptr && found.allow.empty()) {
    throw Problem(404, "there is no such path: GET /openapi.json lists all");
  }
  if (route == nullptr) {
    net::Answer answer = problem_answer(
        Problem(405, fmt::format("this path has {}, not this method", found.allow)), false);
    answer.headers.emplace_back("Allow", found.allow);
    return answer;
  }
  // Routes without a token that change something are those that hand one out.
  const bool takes_secret = route->access == Access::open && !is_safe(request.method);
  if (takes_secret) failures_.check(request.peer);
  caller = identify(request, *route);
  if (!query) throw Problem(400, "the query is not encoded as it must be");
  if (!route->body.empty()) check_body_type(request);
  try {
    return route->run({request, std::move(found.path), *query, caller});
  } catch (const Problem& problem) {
    if (takes_secret && problem.status() == 401) failures_.note(request.peer);
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
  const auto is_seed = [&] { return route != nullptr && route->style == RouteStyle::seed; };
  try {
    if (is_new) take_forwarded(request, site_);
    answer = run(request, route, caller);
    if (route != nullptr && is_change(request, *route)) record(request, caller, answer);
  } catch (const Problem& problem) {
    answer = problem_answer(problem, is_seed());
  } catch (const ReviewPending& review) {
    review.pending->then = [this, request = std::move(request), started] {
      return answer_at(request, started, false);
    };
    answer.pending = review.pending;
    return answer;
  } catch (const DatabaseDamaged&) {
    throw;
  } catch (const std::exception& error) {
    std::fputs(
        fmt::format("{} {}: {}\n", request.method, route ? route->path : "?", error.what()).c_str(),
        stderr);
    const auto* const known = dynamic_cast<const Error*>(&error);
    const bool is_disk = known != nullptr && known->kind() == ErrorKind::io;
    answer = problem_answer(
        is_disk ? Problem(507, "the server's disk refuses to write; the server's log says more")
                : Problem(500, "the server failed; its log says why"),
        is_seed());
  }
  answer.close = is_hostile(answer.status);
  add_common_headers(answer);
  times_.add(route ? route->path : "", request.method, answer.status, seconds_now() - started);
  return answer;
}

}  // namespace ringtrain::server
