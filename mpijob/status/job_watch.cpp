// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/job_watch.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>

namespace ringtrain::mpijob {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds between_lines(5);

// The status on a terminal, written over the one before. Lines are cut at the terminal's width, so
// that each takes one row.
class Screen {
 public:
  void show(const std::string& text) {
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    const std::size_t columns = known ? size.ws_col : 80;
    std::string frame = rows_ > 0 ? fmt::format("\x1b[{}A\r\x1b[J", rows_) : "";
    rows_ = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line); ++rows_) {
      frame += line.substr(0, columns - 1) + "\n";
    }
    std::fputs(frame.c_str(), stdout);
    std::fflush(stdout);
  }

 private:
  int rows_ = 0;
};

}  // namespace

JobPicture picture_of(const JobObserver& observer) {
  return {observer.status(), observer.log(), observer.notes(), std::chrono::system_clock::now()};
}

int watch_job(JobObserver& observer, std::optional<std::chrono::seconds> limit) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const auto deadline = Clock::now() + limit.value_or(std::chrono::hours(24 * 365 * 10));
  Screen screen;
  std::string told;  // state and reason
  Clock::time_point told_at;
  for (;;) {
    const JobPicture picture = picture_of(observer);
    const JobStatus& status = picture.status;
    const std::string now_told = status.state + status.why;
    const auto now = Clock::now();
    if (terminal) {
      screen.show(print_status(picture));
    } else if (now_told != told || (status.state == "Running" && now - told_at >= between_lines)) {
      std::fputs((status_line(picture) + "\n").c_str(), stdout);
      std::fflush(stdout);
      told = now_told;
      told_at = now;
    }
    if (status.has_ended() || status.is_hopeless()) return status.state == "Succeeded" ? 0 : 4;
    if (now >= deadline) {
      std::fputs(fmt::format("ringtrain: {}: has not ended after {} s, and goes on\n", status.name,
                             limit->count())
                     .c_str(),
                 stderr);
      return 4;
    }
    observer.wait(std::min(std::chrono::milliseconds(2000),
                           std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now)));
  }
}

}  // namespace ringtrain::mpijob
