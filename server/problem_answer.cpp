// SPDX-License-Identifier: Apache-2.0
#include "server/problem_answer.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/log.hpp"

namespace ringtrain::server {

using nlohmann::ordered_json;

namespace {

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
    case 410:
      return "Gone";
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
    case 460:  // of tus 1.0.0
      return "Checksum Mismatch";
    case 503:
      return "Service Unavailable";
    case 507:
      return "Insufficient Storage";
    default:
      return "Internal Server Error";
  }
}

}  // namespace

net::Answer problem_answer(const Problem& problem, RouteStyle style) {
  ordered_json json;
  net::Headers headers;
  const bool as_seed = style == RouteStyle::seed;
  if (style == RouteStyle::kubeml && !problem.more().contains("error")) {
    json = problem.detail();
    headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  } else if (style == RouteStyle::kubeml) {
    json = problem.more();
    headers = {{"Content-Type", "application/json"}};
  } else if (as_seed) {
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
  const std::string body = json.is_string()
                               ? json.get<std::string>()
                               : json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return {.status = problem.status(), .headers = headers, .body = body + (as_seed ? "" : "\n")};
}

net::Answer failure_answer(const std::exception& error, const std::string& request,
                           RouteStyle style) {
  if (const auto* const problem = dynamic_cast<const Problem*>(&error)) {
    return problem_answer(*problem, style);
  }
  log_error(fmt::format("{}: {}", request, error.what()));
  const auto* const known = dynamic_cast<const Error*>(&error);
  const bool is_disk = known != nullptr && known->kind() == ErrorKind::io;
  return problem_answer(
      is_disk ? Problem(507, "the server's disk refuses to write; the server's log says more")
              : Problem(500, "the server failed; its log says why"),
      style);
}

}  // namespace ringtrain::server
