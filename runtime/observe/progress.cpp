// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/progress.hpp"

#include <fmt/format.h>

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

void Progress::start() { told_at_ = epoch_at_ = Clock::now(); }

void Progress::step_done(int64_t epoch, int64_t step, double loss, uint64_t samples) {
  if (epoch != epoch_) {
    epoch_ = epoch;
    epoch_loss_ = epoch_samples_ = 0;
    epoch_at_ = Clock::now();
  }
  epoch_loss_ += loss;
  epoch_samples_ += static_cast<double>(samples);
  samples_seen_ += samples;
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
                          const std::optional<Evaluation>& evaluation) {
  const double seconds = std::chrono::duration<double>(Clock::now() - epoch_at_).count();
  const nlohmann::ordered_json line = {
      {"epoch", epoch},
      {"epochs", epochs_},
      {"step", step},
      {"samples_seen", samples_seen_},
      {"learning_rate", learning_rate},
      {"train_loss", train_loss()},
      {"test_loss", or_null(evaluation, &Evaluation::loss)},
      {"test_accuracy", or_null(evaluation, &Evaluation::accuracy)},
      {"seconds", seconds}};
  if (history_ != nullptr) history_->append(line);
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

}  // namespace ringtrain
