// SPDX-License-Identifier: Apache-2.0
// Refusals of the API server, each in one line for the user.
#pragma once

#include <stdexcept>
#include <string>

#include "mpijob/client/resource.hpp"

namespace ringtrain::mpijob {

// Ends a program with exit code 4.
class ApiError : public std::runtime_error {
 public:
  ApiError(long status, std::string reason, const std::string& line)
      : std::runtime_error(line), status_(status), reason_(std::move(reason)) {}

  // The HTTP status; 0 where there was no answer.
  long status() const { return status_; }
  // Kubernetes' own reason: "AlreadyExists", "Conflict", "NotFound", "Forbidden", "Invalid",
  // "Expired".
  const std::string& reason() const { return reason_; }

 private:
  long status_;
  std::string reason_;
};

// A request that was refused.
struct Action {
  std::string verb;  // as RBAC names it: get, list, watch, create, patch, delete
  Resource resource;
  std::string name_space;
  std::string name;  // empty for lists
};

// Explains a response that is not a success. `body` is a Status object or any text.
ApiError explain_refusal(const Action& action, long status, const std::string& body);

}  // namespace ringtrain::mpijob
