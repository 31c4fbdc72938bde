// SPDX-License-Identifier: Apache-2.0
#include "launcher/terminal/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "job/event_lines.hpp"

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
