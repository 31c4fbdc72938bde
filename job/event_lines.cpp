// SPDX-License-Identifier: Apache-2.0
#include "job/event_lines.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>

#include "base/text.hpp"

namespace ringtrain {
namespace {

std::string numbers_text(const std::vector<double>& values) {
  constexpr size_t kShown = 4;
  const auto shown = values.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, values.size()));
  std::string text = fmt::format("{:.4g}", fmt::join(values.begin(), shown, " "));
  if (values.size() > kShown) text += fmt::format(" and {} more", values.size() - kShown);
  return text;
}

}  // namespace

std::string metrics_text(const std::optional<double>& accuracy,
                         const std::optional<std::vector<double>>& rmse,
                         const std::optional<std::vector<double>>& mae) {
  if (accuracy) return fmt::format("test accuracy {:.2f}%", 100 * *accuracy);
  if (!rmse || !mae) return "";
  return fmt::format("test rmse {}, mae {}", numbers_text(*rmse), numbers_text(*mae));
}

std::string progress_line(const StepEvent& step) {
  return fmt::format("epoch {}/{}, step {} of {}, loss {:.4f}, {} samples/s, {} left", step.epoch,
                     step.epochs, print_count(static_cast<double>(step.step)),
                     print_count(static_cast<double>(step.steps)), step.loss,
                     print_count(step.samples_per_second), print_seconds(step.seconds_left));
}

std::string epoch_line(const EpochEvent& epoch) {
  std::string text =
      fmt::format("epoch {}/{}: train loss {:.4f}", epoch.epoch, epoch.epochs, epoch.train_loss);
  if (epoch.test_loss) text += fmt::format(", test loss {:.4f}", *epoch.test_loss);
  const std::string metrics = metrics_text(epoch.test_accuracy, epoch.test_rmse, epoch.test_mae);
  if (!metrics.empty()) text += ", " + metrics;
  return text + ", " + print_seconds(epoch.seconds);
}

std::vector<std::string> started_lines(const StartedEvent& started) {
  std::vector<std::string> lines;
  std::string last;
  for (const RankPlacement& rank : started.placement) {
    const std::string text = fmt::format("{} ({})", rank.rank, rank.device);
    if (lines.empty() || last != rank.host) {
      lines.push_back(fmt::format("on {}: rank {}", rank.host, text));
      last = rank.host;
    } else {
      lines.back() += ", " + text;
    }
  }
  std::string training =
      fmt::format("training {}, {}, {}", counted(started.steps, "step"),
                  counted(started.epochs, "epoch"), counted(started.world_size, "rank"));
  if (started.from_step > 0) {
    training += fmt::format(", from step {}", print_count(static_cast<double>(started.from_step)));
  }
  lines.push_back(training);
  return lines;
}

}  // namespace ringtrain
