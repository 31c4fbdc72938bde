// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "tracking/metrics_text.hpp"

namespace ringtrain::server {

// Times to an answer in seconds, by route, method and status: for /metrics.
class RequestTimes {
 public:
  void add(const std::string& route, const std::string& method, int status, double seconds) {
    auto [found, is_new] = by_route_.try_emplace(
        {route, method, status},
        std::vector<double>{0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5});
    found->second.add(seconds);
  }

  using Key = std::tuple<std::string, std::string, int>;
  const std::map<Key, tracking::Histogram>& by_route() const { return by_route_; }

 private:
  std::map<Key, tracking::Histogram> by_route_;
};

}  // namespace ringtrain::server
