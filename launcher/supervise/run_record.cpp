// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/run_record.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "job/events.hpp"
#include "job/events_file.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

// A run whose launcher was killed ends within 5 s.
constexpr std::chrono::seconds kForEarlierRun(10);

std::string code_text(int error) { return std::generic_category().message(error); }

// Opens a folder's events.jsonl, alone.
EventsFile open_events(const fs::path& folder, const std::string& option) {
  const auto refuse = [&](const std::string& reason) {
    return job_error(
        fmt::format("{}: {}: {}: choose another folder", option, folder.string(), reason));
  };
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    std::error_code ignored;
    throw refuse(fs::exists(folder, ignored) ? "is not a directory"
                                             : "cannot be made: " + error.message());
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw refuse("cannot be written: " + code_text(errno));
  }
  try {
    EventsFile events(folder / "events.jsonl");
    for (const Deadline deadline(kForEarlierRun); !events.try_lock();) {
      if (deadline.passed()) throw refuse("another run is using it");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return events;
  } catch (const std::system_error& cannot) {
    throw refuse("events.jsonl cannot be written: " + cannot.code().message());
  }
}

// Everything that the recorder learns of the run.
struct Recorded {
  std::optional<Outcome> outcome;  // the launcher's own word
  int attempts = 0;                // the last that reported anything
  bool has_result = false;
};

// Reads until the launcher and its subreapers are gone.
Recorded record(int from, EventsFile& events) {
  Recorded recorded;
  const auto take = [&](const std::string& line) {
    if (const auto event = parse_event(line)) {
      events.append(line);
      recorded.attempts = std::max(recorded.attempts, event->attempt);
      if (std::holds_alternative<ResultEvent>(event->event)) recorded.has_result = true;
    } else if (auto outcome = parse_outcome(line)) {
      recorded.outcome = std::move(outcome);
    }
  };
  // A last line without a newline is half of one.
  Lines lines;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t size = ::read(from, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return recorded;
    lines.feed({buffer.data(), static_cast<size_t>(size)}, take);
  }
}

Outcome outcome_of_killed(const Recorded& recorded, Time started) {
  Outcome outcome{.status = RunStatus::killed,
                  .cause =
                      "the launcher was killed (signal 9, perhaps because memory ran out) or "
                      "crashed",
                  .attempts = recorded.attempts,
                  .started = started,
                  .ended = std::chrono::system_clock::now()};
  // The result comes last, with everything on the disk: a loss after it does not matter.
  if (recorded.has_result) outcome.status = RunStatus::finished;
  return outcome;
}

int run_recorder(int from, EventsFile& events, const fs::path& outcome_file, Time started) {
  ::setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) ::signal(signal, SIG_IGN);
  std::error_code ignored;  // writing it reports what is wrong
  fs::remove(outcome_file, ignored);
  const Recorded recorded = record(from, events);
  events.sync();
  write_outcome(outcome_file,
                recorded.outcome ? *recorded.outcome : outcome_of_killed(recorded, started));
  return 0;
}

Time now_to_the_millisecond() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

RunRecord::RunRecord(const fs::path& folder, const std::string& option)
    : outcome_file_(folder / "outcome.json"), started_(now_to_the_millisecond()) {
  EventsFile events = open_events(folder, option);
  Pipe pipe = make_pipe();
  const auto life = [&]() -> int {
    pipe.write_end.close();
    return run_recorder(pipe.read_end.get(), events, outcome_file_, started_);
  };
  recorder_ = Child({.body = life, .standard_output = kDevNull, .standard_error = kDevNull});
  to_recorder_ = std::move(pipe.write_end);
}

RunRecord::~RunRecord() {
  to_recorder_.close();
  recorder_.wait();
}

void RunRecord::finish(Outcome outcome) {
  outcome.started = started_;
  outcome.ended = now_to_the_millisecond();
  write_all(to_recorder_.get(), print_outcome(outcome) + "\n");  // taken by none if it was killed
  to_recorder_.close();
  recorder_.wait();
  // The recorder may have been killed, or the disk may be full.
  if (read_outcome(outcome_file_) != outcome) write_outcome(outcome_file_, outcome);
}

}  // namespace ringtrain::launcher
