// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace ringtrain {

// One rank's timeline: the newest spans and moments, in memory of a fixed size, for the viewers of
// Chrome (chrome://tracing) and Perfetto (ui.perfetto.dev). Thread: any.
//
// Times count from the construction. Ranks that construct theirs right after a barrier have a
// common time, to within that barrier's spread.
class Trace {
 public:
  enum class Track { training, communication };  // one for each thread
  static constexpr size_t kEvents = 1 << 16;     // 2.5 MiB, and about 8 MB of JSON

  Trace(int rank, const std::string& host, size_t events = kEvents);

  // Nanoseconds since the construction.
  int64_t now() const;
  // name, what: string literals. what: the meaning of `value`; null: there is no value.
  void add_span(Track track, const char* name, int64_t begin, int64_t end,
                const char* what = nullptr, int64_t value = 0);
  void add_moment(Track track, const char* name, const char* what = nullptr, int64_t value = 0);

  // Returns the events as members of a JSON array, without its brackets, so that those of several
  // ranks can be joined by commas. Beside them what the process has used since the construction:
  // "process_usage", which viewers pass over.
  std::string events() const;

 private:
  using Clock = std::chrono::steady_clock;

  struct Event {
    const char* name;
    const char* what;
    int64_t value;
    int64_t begin;
    int64_t end;  // less than begin: a moment
    Track track;
  };

  void add(const Event& event);
  std::string usage() const;

  int rank_;
  std::string label_;
  Clock::time_point start_ = Clock::now();
  rusage used_before_;
  size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<Event> ring_;
  size_t added_ = 0;
};

// Writes a file that both viewers open. Throws a job error if it cannot be written.
void write_trace(const std::filesystem::path& file,
                 const std::vector<std::string>& events_of_ranks);

// A span from its construction to its destruction, or to next(), which begins another one. Does
// nothing if the trace is null.
class Span {
 public:
  Span(Trace* trace, const char* name, const char* what = nullptr, int64_t value = 0,
       Trace::Track track = Trace::Track::training)
      : trace_(trace), name_(name), what_(what), value_(value), track_(track) {
    if (trace_ != nullptr) begin_ = trace_->now();
  }
  ~Span() { close(); }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

  void next(const char* name) {
    if (trace_ == nullptr) return;
    close();
    name_ = name;
    begin_ = trace_->now();
  }

 private:
  void close() {
    if (trace_ != nullptr) trace_->add_span(track_, name_, begin_, trace_->now(), what_, value_);
  }

  Trace* trace_;
  const char* name_;
  const char* what_;
  int64_t value_;
  Trace::Track track_;
  int64_t begin_ = 0;
};

}  // namespace ringtrain
