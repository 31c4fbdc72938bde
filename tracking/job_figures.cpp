// SPDX-License-Identifier: Apache-2.0
#include "tracking/job_figures.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <variant>

#include "job/result_fields.hpp"

namespace ringtrain::tracking {

constexpr auto fields_of(const JobFigures*) {
  using T = JobFigures;
  return std::tuple(
      field("step", &T::step), field("steps", &T::steps), field("epoch", &T::epoch),
      field("epochs", &T::epochs), field("ranks", &T::ranks), field("loss", &T::loss),
      field("samples_per_second", &T::samples_per_second), field("seconds_left", &T::seconds_left),
      field("train_loss", &T::train_loss), field("test_loss", &T::test_loss),
      field("test_accuracy", &T::test_accuracy), field("epoch_seconds", &T::epoch_seconds),
      field("best_accuracy", &T::best_accuracy), field("communication", &T::communication),
      field("order_hash", &T::order_hash), field("placement", &T::placement),
      field("step_seconds", &T::step_seconds), field("slowest", &T::slowest),
      field("steps_made", &T::steps_made), field("samples", &T::samples),
      field("skipped_steps", &T::skipped_steps), field("checkpoints", &T::checkpoints),
      field("last_checkpoint", &T::last_checkpoint), field("starts", &T::starts),
      field("restarts", &T::restarts), field("queue_seconds", &T::queue_seconds),
      field("is_open", &T::is_open), field("is_finished", &T::is_finished),
      field("cause", &T::cause), field("event_at", &T::event_at),
      field("samples_per_step", &T::samples_per_step), field("lost_step", &T::lost_step),
      field("lost_since", &T::lost_since), field("started_at", &T::started_at),
      field("replayed_seconds", &T::replayed_seconds), field("lost_seconds", &T::lost_seconds),
      field("before", &T::before), field("current", &T::current), field("replay", &T::replay));
}

namespace {

// The activities of a run, without their total.
constexpr double Seconds::*kActivities[] = {
    &Seconds::startup,   &Seconds::compute,  &Seconds::exposed_communication,
    &Seconds::data_wait, &Seconds::evaluate, &Seconds::checkpoint};

double sum_of(const Seconds& seconds) {
  double sum = 0;
  for (const auto activity : kActivities) sum += seconds.*activity;
  return sum;
}

Seconds scaled(Seconds seconds, double factor) {
  for (const auto activity : kActivities) seconds.*activity *= factor;
  return seconds;
}

// Takes one event, which happened at `now`.
class Taker {
 public:
  Taker(JobFigures& figures, double now) : f_(figures), now_(now) {}

  void operator()(const StartedEvent& started) {
    begin(started.startup_seconds);
    f_.step = started.from_step;
    f_.steps = started.steps;
    f_.epochs = started.epochs;
    f_.ranks = started.world_size;
    f_.communication = started.communication;
    f_.placement = started.placement;
    f_.step_seconds.clear();
  }
  void operator()(const StepEvent& step) {
    f_.steps = step.steps;
    f_.epoch = step.epoch;
    f_.epochs = step.epochs;
    f_.loss = step.loss;
    f_.samples_per_second = step.samples_per_second;
    f_.seconds_left = step.seconds_left;
    reach(step.step);
  }
  void operator()(const RanksEvent& ranks) {
    reach(ranks.step, ranks.samples_seen);
    f_.skipped_steps = std::max(f_.skipped_steps, ranks.skipped_steps);
    if (!ranks.step_seconds.empty()) f_.step_seconds = ranks.step_seconds;
    spend(ranks.seconds);
  }
  void operator()(const EpochEvent& epoch) {
    f_.epoch = epoch.epoch;
    f_.epochs = epoch.epochs;
    f_.train_loss = epoch.train_loss;
    f_.epoch_seconds = epoch.seconds;
    test(epoch.test_loss, epoch.test_accuracy);
    if (epoch.slowest) f_.slowest = epoch.slowest;
    reach(epoch.step, epoch.samples_seen);
  }
  void operator()(const CheckpointEvent&) {
    ++f_.checkpoints;
    f_.last_checkpoint = now_;
  }
  void operator()(const StoppedEvent& stopped) {
    reach(stopped.step, stopped.samples_seen);
    f_.is_open = false;
    f_.cause = "stopped";
  }
  void operator()(const ResultEvent& event) {
    const Result& result = event.result;
    f_.train_loss = result.train_loss;
    test(result.test_loss, result.test_accuracy);
    f_.samples_per_second = result.samples_per_second;
    f_.order_hash = result.order_hash;
    f_.seconds_left = 0;
    if (result.status == "stopped") return;
    // A run that was complete before reports its result again, without a start.
    if (f_.is_open) {
      reach(result.steps, result.samples_seen);
      f_.skipped_steps = std::max(f_.skipped_steps, result.skipped_steps);
      spend(result.seconds);
    }
    f_.step = result.steps;
    f_.is_open = false;
    f_.is_finished = true;
  }
  void operator()(const FailureEvent&) { f_.cause = "failure"; }
  void operator()(const RankEndedEvent& ended) {
    if (ended.exit_code != 0 || ended.signal != 0) f_.cause = "failure";
  }
  void operator()(const LostHostEvent&) { f_.cause = "host_lost"; }
  void operator()(const EvaluatingEvent&) {}
  void operator()(const PausedEvent&) {}
  void operator()(const RankSilentEvent&) {}
  void operator()(const LogEvent&) {}

 private:
  void begin(double startup) {
    const bool was_lost = f_.is_open;
    if (f_.starts++ > 0) ++f_.restarts[f_.cause.empty() ? "killed" : f_.cause];
    for (const auto activity : kActivities) {
      f_.before.*activity += f_.current.*activity - f_.replay.*activity;
    }
    f_.current = f_.replay = {};
    if (was_lost) {
      // The way back to that step is lost, the startup of the ranks with it.
      if (!f_.lost_since) f_.lost_since = f_.event_at;
      f_.lost_step = std::max(f_.lost_step, f_.step);
    } else {
      f_.current.startup = startup;
    }
    f_.started_at = now_;
    f_.replayed_seconds = 0;
    f_.is_open = true;
    f_.is_finished = false;
    f_.cause.clear();
  }

  void reach(int64_t step) {
    f_.steps_made += std::max<int64_t>(0, step - f_.step);
    f_.step = step;
    if (f_.lost_since && step >= f_.lost_step) {
      f_.lost_seconds += std::max(0.0, now_ - *f_.lost_since);
      f_.replayed_seconds = std::max(0.0, now_ - f_.started_at);
      f_.lost_since.reset();
    }
    if (f_.samples_per_step > 0) {
      const double samples = f_.samples_per_step * static_cast<double>(f_.steps_made);
      f_.samples = std::max(f_.samples, static_cast<uint64_t>(std::llround(samples)));
    }
  }

  // `seen`: samples of all steps up to this one, those of earlier runs included.
  void reach(int64_t step, uint64_t seen) {
    if (step > 0) f_.samples_per_step = static_cast<double>(seen) / static_cast<double>(step);
    reach(step);
  }

  void spend(const Seconds& seconds) {
    const double startup = f_.current.startup;
    f_.current = seconds;
    f_.current.startup = startup;
    f_.current.total = 0;
    if (f_.lost_since) {
      f_.replay = f_.current;
    } else if (f_.replayed_seconds > 0) {
      const double sum = sum_of(f_.current);
      f_.replay = scaled(f_.current, sum > 0 ? std::min(1.0, f_.replayed_seconds / sum) : 0);
      f_.replayed_seconds = 0;
    }
  }

  void test(const std::optional<double>& loss, const std::optional<double>& accuracy) {
    if (loss) f_.test_loss = loss;
    if (!accuracy) return;
    f_.test_accuracy = accuracy;
    f_.best_accuracy = std::max(*accuracy, f_.best_accuracy.value_or(*accuracy));
  }

  JobFigures& f_;
  const double now_;
};

}  // namespace

void JobFigures::take(const EventRecord& record) {
  const Time time = record.time.value_or(Time{});
  const double now = std::chrono::duration<double>(time.time_since_epoch()).count();
  std::visit(Taker(*this, now), record.event);
  event_at = now;
}

std::vector<std::pair<const char*, double>> JobFigures::seconds_by_phase() const {
  const auto of = [this](double Seconds::*activity) {
    return std::max(0.0, before.*activity + current.*activity - replay.*activity);
  };
  return {{"queue", queue_seconds},
          {"startup", of(&Seconds::startup)},
          {"compute", of(&Seconds::compute)},
          {"communication", of(&Seconds::exposed_communication)},
          {"data", of(&Seconds::data_wait)},
          {"evaluate", of(&Seconds::evaluate)},
          {"checkpoint", of(&Seconds::checkpoint)},
          {"lost", lost_seconds}};
}

void to_json(nlohmann::ordered_json& json, const JobFigures& figures) {
  json = nlohmann::ordered_json::object();
  put_fields(json, figures);
}

void from_json(const nlohmann::ordered_json& json, JobFigures& figures) {
  take_fields(json, figures);
}

}  // namespace ringtrain::tracking
