// SPDX-License-Identifier: Apache-2.0
#include "server/api/metrics.hpp"

#include <vector>

#include "tracking/job_metrics.hpp"
#include "tracking/metrics_text.hpp"

namespace ringtrain::server {
namespace {

using tracking::MetricsText;
using tracking::ShownJob;
using Type = MetricsText::Type;

std::vector<ShownJob> shown_jobs(Jobs& jobs) {
  std::vector<ShownJob> shown;
  for (const auto& [name, job] : jobs.active()) {
    shown.push_back({.name = name,
                     .model = job->record().model,
                     .dataset = job->record().dataset,
                     .state = state_name(job->state().state),
                     .figures = &job->progress().figures});
  }
  for (const auto& [name, job] : jobs.ended().shown()) {
    if (jobs.active().contains(name)) continue;
    shown.push_back({.name = name,
                     .model = job.record.model,
                     .dataset = job.record.dataset,
                     .state = job.state,
                     .figures = &job.figures});
  }
  return shown;
}

void add_value(MetricsText& text, const char* name, Type type, const char* help, double value) {
  text.family(name, type, help);
  text.sample({}, value);
}

void add_requests(MetricsText& text, const RequestTimes& times) {
  text.family("ringtrain_http_request_duration_seconds", Type::histogram,
              "Time to an answer, without sending it.");
  for (const auto& [key, histogram] : times.by_route()) {
    const auto& [route, method, code] = key;
    const std::string code_text = std::to_string(code);
    text.sample({{"route", route}, {"method", method}, {"code", code_text}}, histogram);
  }
}

}  // namespace

std::string metrics_text(Jobs& jobs, const EventStream& events, const RequestTimes& times,
                         const Kubeml& kubeml) {
  MetricsText text;
  text.family("ringtrain_jobs", Type::gauge, "Jobs by state.");
  const auto counts = jobs.count_by_state();
  for (const std::string& state : tracking::job_states()) {
    const auto found = counts.find(state);
    text.sample({{"state", state}}, found == counts.end() ? 0 : found->second);
  }
  add_value(text, "ringtrain_cores", Type::gauge, "Cores that jobs may use.", jobs.cores());
  add_value(text, "ringtrain_cores_busy", Type::gauge, "Cores that jobs use.", jobs.busy_cores());
  text.family("ringtrain_queue_wait_seconds", Type::histogram,
              "Time for which jobs that have started waited for cores.");
  text.sample({}, jobs.queue_waits());
  add_value(text, "ringtrain_sse_viewers", Type::gauge, "Viewers of the event stream.",
            static_cast<double>(events.viewers()));
  add_value(text, "ringtrain_sse_coalesced_total", Type::counter,
            "Figures that slow viewers missed.", static_cast<double>(events.dropped()));
  text.family("ringtrain_store_commit_seconds", Type::histogram, "Time of a commit of the index.");
  text.sample({}, jobs.commits());
  add_jobs(text, shown_jobs(jobs));
  add_requests(text, times);
  add_kubeml(text, kubeml);
  return text.take();
}

}  // namespace ringtrain::server
