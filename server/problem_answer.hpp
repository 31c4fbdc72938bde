// SPDX-License-Identifier: Apache-2.0
// Refusals and failures as answers.
#pragma once

#include <exception>
#include <string>

#include "net/http_server.hpp"
#include "server/api/route.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {

// `style`: of the route; `plain` is as `ours`.
net::Answer problem_answer(const Problem& problem, RouteStyle style);

// The answer to a request that ended with an exception: a Problem says what is wrong; of any other
// a line goes to stderr, and the answer is 507 where the disk refuses, else 500. `request`: method
// and path, for that line.
net::Answer failure_answer(const std::exception& error, const std::string& request,
                           RouteStyle style);

}  // namespace ringtrain::server
