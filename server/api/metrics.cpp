// SPDX-License-Identifier: Apache-2.0
#include "server/api/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

namespace ringtrain::server {
namespace {

std::string label(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\' || c == '"') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result;
}

class Text {
 public:
  void family(const char* name, const char* type, const char* help) {
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void value(const std::string& name, const std::string& labels, double value) {
    text_ += labels.empty() ? fmt::format("{} {}\n", name, value)
                            : fmt::format("{}{{{}}} {}\n", name, labels, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// A figure of each job.
struct JobFigure {
  const char* name;
  const char* type;
  const char* help;
  std::function<std::optional<double>(const Job&)> value;
};

const std::vector<JobFigure>& job_figures() {
  static const std::vector<JobFigure> figures = {
      {"ringtrain_steps_total", "counter", "Optimizer steps so far.",
       [](const Job& job) { return static_cast<double>(job.progress().step); }},
      {"ringtrain_epoch", "gauge", "The epoch in training, from 1.",
       [](const Job& job) { return static_cast<double>(job.progress().epoch); }},
      {"ringtrain_progress_ratio", "gauge", "Steps so far of all steps.",
       [](const Job& job) -> std::optional<double> {
         const Progress& progress = job.progress();
         if (progress.steps <= 0) return std::nullopt;
         return static_cast<double>(progress.step) / static_cast<double>(progress.steps);
       }},
      {"ringtrain_remaining_seconds", "gauge", "Time left, as the ranks estimate it.",
       [](const Job& job) { return job.progress().seconds_left; }},
      {"ringtrain_samples_per_second", "gauge", "Training samples a second over all ranks.",
       [](const Job& job) { return job.progress().samples_per_second; }},
      {"ringtrain_train_loss", "gauge", "Loss of the last reported step.",
       [](const Job& job) { return job.progress().loss; }},
      {"ringtrain_validation_loss", "gauge", "Loss over the test part.",
       [](const Job& job) { return job.progress().test_loss; }},
      {"ringtrain_validation_accuracy_ratio", "gauge", "Accuracy over the test part, 0 to 1.",
       [](const Job& job) { return job.progress().test_accuracy; }},
      {"ringtrain_parallelism", "gauge", "Ranks.",
       [](const Job& job) { return static_cast<double>(job.ranks()); }},
      {"ringtrain_checkpoints_total", "counter", "Checkpoints that are safe on disk.",
       [](const Job& job) { return static_cast<double>(job.progress().checkpoints); }},
      {"ringtrain_restarts_total", "counter", "Starts of the ranks after the first.",
       [](const Job& job) {
         return static_cast<double>(std::max<int64_t>(0, job.progress().starts - 1));
       }},
  };
  return figures;
}

void add_jobs(Text& text, const Jobs& jobs) {
  text.family("ringtrain_job_info", "gauge", "A job that is not at rest.");
  for (const auto& [name, job] : jobs.active()) {
    text.value("ringtrain_job_info",
               fmt::format(R"(job="{}",model="{}",dataset="{}",state="{}")", label(name),
                           label(job->record().model), label(job->record().dataset),
                           state_name(job->state().state)),
               1);
  }
  for (const JobFigure& figure : job_figures()) {
    text.family(figure.name, figure.type, figure.help);
    for (const auto& [name, job] : jobs.active()) {
      if (const auto value = figure.value(*job)) {
        text.value(figure.name, fmt::format(R"(job="{}")", label(name)), *value);
      }
    }
  }
}

void add_requests(Text& text, const RequestTimes& times) {
  const std::string name = "ringtrain_http_request_duration_seconds";
  text.family(name.c_str(), "histogram", "Time to an answer, without sending it.");
  for (const auto& [key, one] : times.by_route()) {
    const auto& [route, method, code] = key;
    const std::string labels =
        fmt::format(R"(route="{}",method="{}",code="{}")", label(route), label(method), code);
    for (size_t i = 0; i < RequestTimes::kBounds.size(); ++i) {
      text.value(name + "_bucket", fmt::format(R"({},le="{}")", labels, RequestTimes::kBounds[i]),
                 static_cast<double>(one.at_most[i]));
    }
    text.value(name + "_bucket", labels + R"(,le="+Inf")", static_cast<double>(one.count));
    text.value(name + "_sum", labels, one.seconds);
    text.value(name + "_count", labels, static_cast<double>(one.count));
  }
}

}  // namespace

std::string metrics_text(Jobs& jobs, const EventStream& events, const RequestTimes& times) {
  Text text;
  text.family("ringtrain_jobs", "gauge", "Jobs by state.");
  for (const auto& [state, count] : jobs.count_by_state()) {
    text.value("ringtrain_jobs", fmt::format(R"(state="{}")", state), count);
  }
  text.family("ringtrain_cores", "gauge", "Cores that jobs may use.");
  text.value("ringtrain_cores", "", jobs.cores());
  text.family("ringtrain_cores_busy", "gauge", "Cores that jobs use.");
  text.value("ringtrain_cores_busy", "", jobs.busy_cores());
  text.family("ringtrain_sse_viewers", "gauge", "Viewers of the event stream.");
  text.value("ringtrain_sse_viewers", "", static_cast<double>(events.viewers()));
  text.family("ringtrain_sse_coalesced_total", "counter", "Figures that slow viewers missed.");
  text.value("ringtrain_sse_coalesced_total", "", static_cast<double>(events.dropped()));
  add_jobs(text, jobs);
  add_requests(text, times);
  return text.take();
}

}  // namespace ringtrain::server
