// SPDX-License-Identifier: Apache-2.0
// The series of jobs at /metrics, for the server and for `ringtrain run --metrics`.
// docs/guides/monitoring/metrics.md lists them.
#pragma once

#include <string>
#include <vector>

#include "tracking/job_figures.hpp"
#include "tracking/metrics_text.hpp"

namespace ringtrain::tracking {

struct ShownJob {
  std::string name;
  std::string model = {};
  std::string dataset = {};
  std::string state = {};  // one of job_states()
  bool in_pods = false;    // the hosts of its ranks are names of pods
  const JobFigures* figures = nullptr;
};

// The words that GET /api/v1/jobs shows.
const std::vector<std::string>& job_states();

// Returns the state of a job whose launcher lives.
std::string living_state(const JobFigures& figures);

// Adds all families. No label has a step or a user in it.
void add_jobs(MetricsText& text, const std::vector<ShownJob>& jobs);

}  // namespace ringtrain::tracking
