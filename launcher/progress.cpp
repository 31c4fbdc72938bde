// SPDX-License-Identifier: Apache-2.0
#include "launcher/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

namespace ringtrain::launcher {
namespace {

constexpr std::chrono::seconds between_lines(5);

int terminal_columns(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

double share_done(const StepEvent& step) {
  if (step.steps <= 0) return 0;
  return std::clamp(static_cast<double>(step.step) / static_cast<double>(step.steps), 0.0, 1.0);
}

}  // namespace

std::string print_seconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "? s";
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(std::min(seconds, 1e12)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string print_count(double count) {
  if (!std::isfinite(count)) return "?";
  if (std::abs(count) < 99.5) return fmt::format("{:.3g}", count);
  std::string digits = fmt::format("{:.0f}", count);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return digits;
}

std::string progress_bar(const StepEvent& step, int columns) {
  const double share = share_done(step);
  const std::string left = fmt::format("epoch {}/{} ", step.epoch + 1, step.epochs);
  const std::string right = fmt::format(" {:3.0f}%  {}/s  loss {:.4f}  {} left", 100 * share,
                                        print_count(step.samples_per_second), step.loss,
                                        print_seconds(step.seconds_left));
  const int room = columns - 1 - static_cast<int>(left.size() + right.size()) - 2;
  if (room < 8) return (left + right.substr(1)).substr(0, std::max(0, columns - 1));
  const auto width = static_cast<std::size_t>(std::min(room, 40));
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
  std::string bar(filled, '=');
  if (filled < width) bar += '>';
  bar.resize(width, ' ');
  return left + "[" + bar + "]" + right;
}

std::string progress_line(const StepEvent& step) {
  return fmt::format("epoch {}/{}, step {} of {}, loss {:.4f}, {} samples/s, {} left",
                     step.epoch + 1, step.epochs, print_count(static_cast<double>(step.step)),
                     print_count(static_cast<double>(step.steps)), step.loss,
                     print_count(step.samples_per_second), print_seconds(step.seconds_left));
}

std::string epoch_line(const EpochEvent& epoch) {
  std::string text = fmt::format("epoch {}/{}: train loss {:.4f}", epoch.epoch + 1, epoch.epochs,
                                 epoch.train_loss);
  if (epoch.test_loss) text += fmt::format(", test loss {:.4f}", *epoch.test_loss);
  if (epoch.test_accuracy) {
    text += fmt::format(", test accuracy {:.2f}%", 100 * *epoch.test_accuracy);
  }
  return text + ", " + print_seconds(epoch.seconds);
}

std::vector<std::string> started_lines(const StartedEvent& started) {
  std::vector<std::string> lines;
  std::string last;
  for (const auto& rank : started.placement) {
    if (!rank.is_object()) continue;
    const std::string host = rank.value("host", "?");
    const std::string text =
        fmt::format("{} ({})", rank.value("rank", int64_t{0}), rank.value("device", "?"));
    if (lines.empty() || last != host) {
      lines.push_back(fmt::format("on {}: rank {}", host, text));
      last = host;
    } else {
      lines.back() += ", " + text;
    }
  }
  std::string training = fmt::format("training {} steps, {} epochs, {} ranks",
                                     print_count(static_cast<double>(started.steps)),
                                     started.epochs, started.world_size);
  if (started.from_step > 0) {
    training += fmt::format(", from step {}", print_count(static_cast<double>(started.from_step)));
  }
  lines.push_back(training);
  return lines;
}

void Progress::show(const StepEvent& step, Clock::time_point now) {
  if (terminal_) {
    const std::string bar = progress_bar(step, terminal_columns(descriptor_));
    write("\r" + bar + "\x1b[K");
    bar_ = bar;
    return;
  }
  if (last_line_ && now - *last_line_ < between_lines) return;
  last_line_ = now;
  line(progress_line(step));
}

void Progress::show(const EpochEvent& epoch) { line(epoch_line(epoch)); }

void Progress::line(const std::string& text) {
  const std::string bar = bar_;
  clear();
  write(text + "\n" + bar);
  bar_ = bar;
}

void Progress::clear() {
  if (bar_.empty()) return;
  bar_.clear();
  write("\r\x1b[K");
}

void Progress::write(const std::string& text) const {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t size = ::write(descriptor_, text.data() + done, text.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return;  // nobody looks any more; training goes on
    done += static_cast<std::size_t>(size);
  }
}

}  // namespace ringtrain::launcher
