// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace ringtrain::server {

// A request that is refused: status, and one line that names what is wrong and what to do. `more`
// has members of the body beside them (RFC 9457), `location` the path of what is there already.
class Problem : public std::exception {
 public:
  Problem(int status, std::string detail,
          nlohmann::ordered_json more = nlohmann::ordered_json::object(), std::string location = "")
      : status_(status),
        detail_(std::move(detail)),
        more_(std::move(more)),
        location_(std::move(location)) {}
  int status() const { return status_; }
  const std::string& detail() const { return detail_; }
  const nlohmann::ordered_json& more() const { return more_; }
  const std::string& location() const { return location_; }
  const char* what() const noexcept override { return detail_.c_str(); }

 private:
  int status_;
  std::string detail_;
  nlohmann::ordered_json more_;
  std::string location_;
};

}  // namespace ringtrain::server
