// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "server/jobs/job.hpp"
#include "tracking/job_figures.hpp"

namespace ringtrain::server {

// Jobs that have come to rest, for as long as /metrics shows them.
class EndedJobs {
 public:
  using Clock = std::chrono::steady_clock;
  // Long enough for the last values to be read.
  static constexpr std::chrono::minutes kShown{15};

  struct Ended {
    JobRecord record;
    std::string state;
    tracking::JobFigures figures;
    Clock::time_point at;
  };

  void add(const Job& job, Clock::time_point now = Clock::now()) {
    jobs_.insert_or_assign(job.record().name, Ended{job.record(), state_name(job.state().state),
                                                    job.progress().figures, now});
  }
  void remove(const std::string& name) { jobs_.erase(name); }

  // Returns those that ended less than kShown ago, and forgets the others.
  const std::map<std::string, Ended>& shown(Clock::time_point now = Clock::now()) {
    std::erase_if(jobs_, [&](const auto& one) { return now - one.second.at >= kShown; });
    return jobs_;
  }

 private:
  std::map<std::string, Ended> jobs_;
};

}  // namespace ringtrain::server
