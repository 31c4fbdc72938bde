// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/reporter.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>

namespace ringtrain {
namespace {

// Writes all of `text` in one call, so that lines of several ranks do not mix (a pipe keeps up to
// 4 KiB together).
void write_whole(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) return;  // the reader is gone; training continues without it
    if (n > 0) done += static_cast<size_t>(n);
  }
}

}  // namespace

Reporter::Reporter(bool events, bool quiet) : events_(events), quiet_(quiet) {
  if (events) return;
  if (spdlog::get("ringtrain") == nullptr) spdlog::stderr_color_mt("ringtrain");
  spdlog::get("ringtrain")->set_pattern("%H:%M:%S %^%l%$ %v");
}

void Reporter::event(const std::string& name, const nlohmann::ordered_json& fields,
                     const std::string& line) const {
  if (quiet_) return;
  if (events_) {
    nlohmann::ordered_json event = {{"event", name}};
    event.update(fields);
    write_event(event);
  } else if (!line.empty()) {
    spdlog::get("ringtrain")->info(line);
  }
}

void Reporter::log(const std::string& line) const {
  event("log", {{"level", "info"}, {"message", line}}, line);
}

void Reporter::warn(const std::string& line) const {
  if (quiet_) return;
  if (events_) {
    write_event({{"event", "log"}, {"level", "warning"}, {"message", line}});
  } else {
    spdlog::get("ringtrain")->warn(line);
  }
}

void Reporter::failure(int exit_code, int rank, const std::string& host, const std::string& message,
                       bool again) const {
  if (events_) {
    write_event({{"event", "failure"},
                 {"exit_code", exit_code},
                 {"again", again},
                 {"rank", rank},
                 {"host", host},
                 {"message", message}});
  } else {
    spdlog::get("ringtrain")->error("rank {} on {}: {}", rank, host, message);
  }
}

void Reporter::write_event(const nlohmann::ordered_json& event) const {
  // Text from files may not be UTF-8: replace rather than refuse it.
  using OnError = nlohmann::ordered_json::error_handler_t;
  write_whole(STDOUT_FILENO, "\x1e" + event.dump(-1, ' ', false, OnError::replace) + "\n");
}

}  // namespace ringtrain
