// SPDX-License-Identifier: Apache-2.0
// An election among several operators: the one whose name a Lease (coordination.k8s.io/v1) holds
// works, as with client-go. Times of other machines are not compared with ours: a lease is free
// once it has not changed for its duration by our own clock.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/time.hpp"

namespace ringtrain::mpijob {

class Election {
 public:
  using Clock = std::chrono::steady_clock;

  // `identity` must be unique among the operators.
  explicit Election(std::string identity) : identity_(std::move(identity)) {}

  // Decides from the lease as the server has it (null: there is none). Returns a JSON merge patch,
  // or the fields of a new lease, by which we hold it; null: another operator does. A patch holds
  // the version of `lease`, so that the server refuses it where another operator was faster.
  nlohmann::json claim(const nlohmann::json& lease, Time now, Clock::time_point at);

  // Notes that the server has accepted a claim that was made at `at`.
  void won(Clock::time_point at) { renewed_ = at; }
  void lost() { renewed_.reset(); }

  // Returns whether we may write. It ends before another operator can take the lease.
  bool leads(Clock::time_point at) const { return renewed_ && at - *renewed_ < kRenewWithin; }

  // Returns a patch that gives the lease back, so that another operator need not wait.
  nlohmann::json release(const nlohmann::json& lease) const;

  static constexpr std::chrono::seconds kDuration{15};
  static constexpr std::chrono::seconds kRenewWithin{10};
  static constexpr std::chrono::seconds kInterval{2};

 private:
  std::string identity_;
  std::optional<Clock::time_point> renewed_;
  nlohmann::json seen_;  // the spec of the newest lease
  Clock::time_point seen_at_;
};

}  // namespace ringtrain::mpijob
