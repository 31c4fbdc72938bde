// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/progress.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace ringtrain {
namespace {

constexpr std::chrono::milliseconds kBetweenSteps(250);

nlohmann::ordered_json or_null(const std::optional<Evaluation>& evaluation,
                               double Evaluation::*member) {
  return evaluation ? nlohmann::ordered_json((*evaluation).*member) : nlohmann::ordered_json();
}

}  // namespace

Progress::Progress(const Reporter& reporter, History* history, int64_t epochs, int64_t steps)
    : reporter_(reporter), history_(history), epochs_(epochs), steps_(steps) {
  start();
}

void Progress::resume(const Totals& totals, int64_t step) {
  totals_ = totals;
  told_step_ = step;
}

void Progress::start() { told_at_ = epoch_at_ = Clock::now(); }

void Progress::step_done(int64_t epoch, int64_t step, double loss, uint64_t samples) {
  if (epoch != totals_.epoch) {
    totals_.epoch = epoch;
    totals_.epoch_loss = totals_.epoch_samples = 0;
    epoch_at_ = Clock::now();
  }
  totals_.epoch_loss += loss;
  totals_.epoch_samples += static_cast<double>(samples);
  totals_.samples_seen += samples;
  loss_since_ += loss;
  samples_since_ += samples;

  const auto now = Clock::now();
  if (now - told_at_ < kBetweenSteps) return;
  const double seconds = std::chrono::duration<double>(now - told_at_).count();
  const double rate = static_cast<double>(samples_since_) / seconds;
  const double left =
      seconds / static_cast<double>(step - told_step_) * static_cast<double>(steps_ - step);
  reporter_.event("step",
                  {{"epoch", epoch},
                   {"epochs", epochs_},
                   {"step", step},
                   {"steps", steps_},
                   {"loss", loss_since_ / static_cast<double>(samples_since_)},
                   {"samples_per_second", rate},
                   {"seconds_left", left}},
                  "");
  told_at_ = now;
  told_step_ = step;
  loss_since_ = 0;
  samples_since_ = 0;
}

void Progress::epoch_done(int64_t epoch, int64_t step, double learning_rate,
                          const std::optional<Evaluation>& evaluation,
                          const std::optional<RankSpeed>& slowest) {
  const double seconds = std::chrono::duration<double>(Clock::now() - epoch_at_).count();
  const nlohmann::ordered_json line = {
      {"epoch", epoch},
      {"epochs", epochs_},
      {"step", step},
      {"samples_seen", totals_.samples_seen},
      {"learning_rate", learning_rate},
      {"train_loss", train_loss()},
      {"test_loss", or_null(evaluation, &Evaluation::loss)},
      {"test_accuracy", or_null(evaluation, &Evaluation::accuracy)},
      {"seconds", seconds},
      {"step_seconds", slowest ? to_json(*slowest) : nlohmann::ordered_json()}};
  append_to_history(line);
  std::string text = fmt::format("epoch {}/{}: step {}, train loss {:.4f}", epoch + 1, epochs_,
                                 step, train_loss());
  if (evaluation) {
    text += fmt::format(", test loss {:.4f}, test accuracy {:.2f}%", evaluation->loss,
                        100 * evaluation->accuracy);
  }
  reporter_.event("epoch", line, text + fmt::format(", {:.1f} s", seconds));
  told_at_ = Clock::now();  // the time of the evaluation is no training time
  told_step_ = step;
  loss_since_ = 0;
  samples_since_ = 0;
}

void Progress::straggler(const RankSpeed& slow) const {
  warn(fmt::format(
      "rank {} on {} is slow: its own part of a step takes {:.2g} s, the others' {:.2g} s",
      slow.rank, slow.host, slow.seconds, slow.median));
}

void Progress::checkpoint_written(int64_t step, const std::string& path, uint64_t bytes,
                                  double seconds, double pause) const {
  reporter_.event(
      "checkpoint",
      {{"step", step}, {"path", path}, {"bytes", bytes}, {"seconds", seconds}, {"pause", pause}},
      fmt::format("checkpoint {}: {:.1f} MB in {:.2f} s, training paused for {:.3f} s", path,
                  static_cast<double>(bytes) / 1e6, seconds, pause));
}

// A disk that is full must not end a training run that needs it for its account alone.
void Progress::append_to_history(const nlohmann::ordered_json& line) {
  if (history_ == nullptr) return;
  try {
    history_->append(line);
  } catch (const Error& error) {
    warn(fmt::format("{}; training goes on", error.what()));
  }
}

}  // namespace ringtrain
