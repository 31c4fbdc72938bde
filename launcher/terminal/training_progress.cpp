// SPDX-License-Identifier: Apache-2.0
#include "launcher/terminal/training_progress.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/file_descriptor.hpp"
#include "base/terminal/bar.hpp"
#include "base/text.hpp"
#include "job/event_lines.hpp"

namespace ringtrain::launcher {
namespace {

constexpr std::chrono::seconds kBetweenLines(5);

double share_done(const StepEvent& step) {
  if (step.steps <= 0) return 0;
  return std::clamp(static_cast<double>(step.step) / static_cast<double>(step.steps), 0.0, 1.0);
}

}  // namespace

std::string progress_bar(const StepEvent& step, int columns) {
  const double share = share_done(step);
  const std::string left = fmt::format("epoch {}/{} ", step.epoch, step.epochs);
  const std::string right = fmt::format(" {:3.0f}%  {}/s  loss {:.4f}  {} left", 100 * share,
                                        print_count(step.samples_per_second), step.loss,
                                        print_seconds(step.seconds_left));
  const int room = columns - 1 - static_cast<int>(left.size() + right.size()) - 2;
  if (room < 8) return (left + right.substr(1)).substr(0, std::max(0, columns - 1));
  return left + draw_bar(share, static_cast<size_t>(std::min(room, 40))) + right;
}

void TrainingProgress::show(const StepEvent& step, Clock::time_point now) {
  if (terminal_) {
    const std::string bar = progress_bar(step, static_cast<int>(terminal_columns(descriptor_)));
    write_all(descriptor_, "\r" + bar + "\x1b[K");
    bar_ = bar;
    return;
  }
  if (last_line_ && now - *last_line_ < kBetweenLines) return;
  last_line_ = now;
  line(progress_line(step));
}

void TrainingProgress::show(const EpochEvent& epoch) { line(epoch_line(epoch)); }

void TrainingProgress::line(const std::string& text) {
  const std::string bar = bar_;
  clear();
  write_all(descriptor_, text + "\n" + bar);  // a closed terminal does not end training
  bar_ = bar;
}

void TrainingProgress::clear() {
  if (bar_.empty()) return;
  bar_.clear();
  write_all(descriptor_, "\r\x1b[K");
}

}  // namespace ringtrain::launcher
