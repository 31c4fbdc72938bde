// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

namespace ringtrain::server {

// How long answers took, by route, method and status: for /metrics.
class RequestTimes {
 public:
  static constexpr std::array<double, 8> kBounds = {0.001, 0.0025, 0.005, 0.01,
                                                    0.025, 0.1,    0.5,   2.5};

  struct Times {
    std::array<uint64_t, kBounds.size()> at_most{};  // each counts those before it, too
    uint64_t count = 0;
    double seconds = 0;
  };

  void add(const std::string& route, const std::string& method, int status, double seconds) {
    Times& times = by_route_[{route, method, status}];
    for (size_t i = 0; i < kBounds.size(); ++i) times.at_most[i] += seconds <= kBounds[i] ? 1 : 0;
    ++times.count;
    times.seconds += seconds;
  }

  using Key = std::tuple<std::string, std::string, int>;
  const std::map<Key, Times>& by_route() const { return by_route_; }

 private:
  std::map<Key, Times> by_route_;
};

}  // namespace ringtrain::server
