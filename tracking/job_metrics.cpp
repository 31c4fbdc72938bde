// SPDX-License-Identifier: Apache-2.0
#include "tracking/job_metrics.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

namespace ringtrain::tracking {
namespace {

using Type = MetricsText::Type;

// A figure of each job; nothing where it has none yet.
struct Series {
  const char* name;
  Type type;
  const char* help;
  std::function<std::optional<double>(const JobFigures&)> value;
};

template <class T>
auto whole(T JobFigures::*member) {
  return [member](const JobFigures& f) { return std::optional(static_cast<double>(f.*member)); };
}

auto latest(std::optional<double> JobFigures::*member) {
  return [member](const JobFigures& f) { return f.*member; };
}

std::optional<double> progress(const JobFigures& f) {
  if (f.is_finished) return 1;  // also where it ended early
  if (f.steps <= 0) return std::nullopt;
  return static_cast<double>(f.step) / static_cast<double>(f.steps);
}

const std::vector<Series>& all_series() {
  using F = JobFigures;
  static const std::vector<Series> series = {
      {"ringtrain_steps_total", Type::counter,
       "Optimizer steps, those made again after a loss included.", whole(&F::steps_made)},
      {"ringtrain_samples_total", Type::counter, "Training samples of these steps.",
       whole(&F::samples)},
      {"ringtrain_skipped_steps_total", Type::counter,
       "Steps skipped because a gradient was not finite.", whole(&F::skipped_steps)},
      {"ringtrain_epoch", Type::gauge, "Epoch in training, from 1.", whole(&F::epoch)},
      {"ringtrain_progress_ratio", Type::gauge, "Steps done of all steps, 0 to 1.", progress},
      {"ringtrain_remaining_seconds", Type::gauge, "Time left, as the ranks estimate it.",
       latest(&F::seconds_left)},
      {"ringtrain_samples_per_second", Type::gauge, "Training samples a second over all ranks.",
       latest(&F::samples_per_second)},
      {"ringtrain_train_loss", Type::gauge, "Training loss since the report before.",
       [](const F& f) { return f.loss ? f.loss : f.train_loss; }},
      {"ringtrain_validation_loss", Type::gauge, "Loss over the test part.", latest(&F::test_loss)},
      {"ringtrain_validation_accuracy_ratio", Type::gauge, "Accuracy over the test part, 0 to 1.",
       latest(&F::test_accuracy)},
      {"ringtrain_parallelism", Type::gauge, "Ranks.", whole(&F::ranks)},
      {"ringtrain_epoch_duration_seconds", Type::gauge, "Time of the last complete epoch.",
       latest(&F::epoch_seconds)},
      {"ringtrain_checkpoints_total", Type::counter, "Checkpoints that are safe on disk.",
       whole(&F::checkpoints)},
      {"ringtrain_last_checkpoint_timestamp_seconds", Type::gauge,
       "When the newest checkpoint was safe on disk.", latest(&F::last_checkpoint)},
  };
  return series;
}

void add_states(MetricsText& text, const std::vector<ShownJob>& jobs) {
  text.family("ringtrain_job_info", Type::gauge, "A job; order_hash once it has finished.");
  for (const ShownJob& job : jobs) {
    text.sample({{"job", job.name},
                 {"model", job.model},
                 {"dataset", job.dataset},
                 {"order_hash", job.figures->order_hash}},
                1);
  }
  text.family("ringtrain_job_state", Type::gauge, "1 for the state that the job is in.");
  for (const ShownJob& job : jobs) {
    for (const std::string& state : job_states()) {
      text.sample({{"job", job.name}, {"state", state}}, state == job.state ? 1 : 0);
    }
  }
}

void add_times(MetricsText& text, const std::vector<ShownJob>& jobs) {
  text.family("ringtrain_seconds_total", Type::counter,
              "Time of the job by phase, on rank 0; lost: from a loss until it was back.");
  for (const ShownJob& job : jobs) {
    for (const auto& [phase, seconds] : job.figures->seconds_by_phase()) {
      text.sample({{"job", job.name}, {"phase", phase}}, seconds);
    }
  }
  text.family("ringtrain_restarts_total", Type::counter, "Starts of the ranks after the first.");
  constexpr std::array<const char*, 4> kCauses = {"failure", "host_lost", "killed", "stopped"};
  for (const ShownJob& job : jobs) {
    const auto& restarts = job.figures->restarts;
    for (const char* const cause : kCauses) {
      const auto found = restarts.find(cause);
      text.sample({{"job", job.name}, {"cause", cause}},
                  found == restarts.end() ? 0 : static_cast<double>(found->second));
    }
  }
}

void add_ranks(MetricsText& text, const std::vector<ShownJob>& jobs) {
  text.family("ringtrain_rank_step_seconds", Type::gauge,
              "A rank's own seconds of a step, without waiting for others.");
  for (const ShownJob& job : jobs) {
    const JobFigures& f = *job.figures;
    for (size_t r = 0; r < std::min(f.step_seconds.size(), f.placement.size()); ++r) {
      text.sample({{"job", job.name},
                   {"rank", std::to_string(f.placement[r].rank)},
                   {"host", f.placement[r].host}},
                  f.step_seconds[r]);
    }
  }
  text.family("ringtrain_rank_info", Type::gauge, "A rank, with its pod in a cluster.");
  for (const ShownJob& job : jobs) {
    for (const RankPlacement& rank : job.figures->placement) {
      text.sample({{"job", job.name},
                   {"rank", std::to_string(rank.rank)},
                   {"host", rank.host},
                   {"pod", job.in_pods ? rank.host : ""},
                   {"device", rank.device}},
                  1);
    }
  }
}

}  // namespace

const std::vector<std::string>& job_states() {
  static const std::vector<std::string> states = {
      "Queued",     "Starting",  "Running",   "Restarting", "Finishing",
      "Suspending", "Suspended", "Succeeded", "Failed",     "Deleting"};
  return states;
}

std::string living_state(const JobFigures& figures) {
  if (figures.is_finished) return "Finishing";
  if (figures.starts == 0) return "Starting";
  return figures.cause.empty() ? "Running" : "Restarting";
}

void add_jobs(MetricsText& text, const std::vector<ShownJob>& jobs) {
  add_states(text, jobs);
  for (const Series& series : all_series()) {
    text.family(series.name, series.type, series.help);
    for (const ShownJob& job : jobs) {
      if (const auto value = series.value(*job.figures)) text.sample({{"job", job.name}}, *value);
    }
  }
  add_times(text, jobs);
  add_ranks(text, jobs);
}

}  // namespace ringtrain::tracking
