// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

namespace ringtrain::serving {

// A request that is not answered as it asks: an HTTP status and one line for the client.
class Refusal : public std::runtime_error {
 public:
  Refusal(int status, const std::string& message, std::optional<int> retry_after = {})
      : std::runtime_error(message), status_(status), retry_after_(retry_after) {}

  int status() const { return status_; }
  std::optional<int> retry_after() const { return retry_after_; }  // seconds

 private:
  int status_;
  std::optional<int> retry_after_;
};

}  // namespace ringtrain::serving
