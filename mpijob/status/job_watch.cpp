// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/job_watch.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "base/deadline.hpp"

namespace ringtrain::mpijob {
namespace {

constexpr std::chrono::seconds kBetweenLines(5);
constexpr std::chrono::hours kForEver(24 * 365 * 10);

// Status on a terminal, drawn over the one before. Lines are cut at the terminal's width, so that
// each takes one row.
class Screen {
 public:
  void show(const std::string& text) {
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    const size_t columns = known ? size.ws_col : 80;
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
  const Deadline deadline(limit.value_or(kForEver));
  Screen screen;
  std::string shown;  // state and reason
  Deadline next_line{std::chrono::seconds(0)};
  for (;;) {
    const JobPicture picture = picture_of(observer);
    const JobStatus& status = picture.status;
    const std::string current = status.state + status.why;
    if (terminal) {
      screen.show(print_status(picture));
    } else if (current != shown || (status.state == "Running" && next_line.passed())) {
      std::fputs((status_line(picture) + "\n").c_str(), stdout);
      std::fflush(stdout);
      shown = current;
      next_line = Deadline(kBetweenLines);
    }
    if (status.has_ended() || status.is_hopeless()) return status.state == "Succeeded" ? 0 : 4;
    if (deadline.passed()) {
      std::fputs(fmt::format("ringtrain: {}: not finished after {} s; the job continues\n",
                             status.name, limit->count())
                     .c_str(),
                 stderr);
      return 4;
    }
    observer.wait(std::min(std::chrono::milliseconds(2000), deadline.left()));
  }
}

}  // namespace ringtrain::mpijob
