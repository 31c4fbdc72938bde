// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/trace.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/file.hpp"

namespace ringtrain {
namespace {

rusage used_so_far() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) {
    throw std::system_error(errno, std::generic_category(), "getrusage");
  }
  return usage;
}

double seconds_between(const timeval& begin, const timeval& end) {
  return static_cast<double>(end.tv_sec - begin.tv_sec) +
         static_cast<double>(end.tv_usec - begin.tv_usec) * 1e-6;
}

}  // namespace

Trace::Trace(int rank, const std::string& host, size_t events)
    : rank_(rank),
      label_(fmt::format("rank {} on {}", rank, host)),
      used_before_(used_so_far()),
      capacity_(events) {
  ring_.reserve(capacity_);
}

int64_t Trace::now() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_).count();
}

void Trace::add_span(Track track, const char* name, int64_t begin, int64_t end, const char* what,
                     int64_t value) {
  add({name, what, value, begin, end, track});
}

void Trace::add_moment(Track track, const char* name, const char* what, int64_t value) {
  const int64_t at = now();
  add({name, what, value, at, at - 1, track});
}

void Trace::add(const Event& event) {
  const std::lock_guard lock(mutex_);
  if (ring_.size() < capacity_) {
    ring_.push_back(event);
  } else {
    ring_[added_ % capacity_] = event;
  }
  ++added_;
}

std::string Trace::usage() const {
  const rusage now = used_so_far();
  return nlohmann::ordered_json{
      {"user_seconds", seconds_between(used_before_.ru_utime, now.ru_utime)},
      {"system_seconds", seconds_between(used_before_.ru_stime, now.ru_stime)},
      {"page_faults", now.ru_minflt - used_before_.ru_minflt},
      {"disk_page_faults", now.ru_majflt - used_before_.ru_majflt},
      {"waits", now.ru_nvcsw - used_before_.ru_nvcsw},
      {"preemptions", now.ru_nivcsw - used_before_.ru_nivcsw}}
      .dump();
}

std::string Trace::events() const {
  const std::lock_guard lock(mutex_);
  fmt::memory_buffer text;
  auto out = std::back_inserter(text);
  fmt::format_to(
      out, R"({{"ph":"M","pid":{},"name":"process_name","args":{{"name":{}}}}})", rank_,
      nlohmann::json(label_).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
  fmt::format_to(out,
                 ",\n"
                 R"({{"ph":"M","pid":{},"name":"process_usage","args":{}}})",
                 rank_, usage());
  for (const auto& [track, name] :
       {std::pair(Track::training, "training"), std::pair(Track::communication, "communication")}) {
    fmt::format_to(out,
                   ",\n"
                   R"({{"ph":"M","pid":{},"tid":{},"name":"thread_name","args":{{"name":"{}"}}}})",
                   rank_, static_cast<int>(track), name);
  }
  for (const Event& event : ring_) {
    const bool moment = event.end < event.begin;
    fmt::format_to(out,
                   ",\n"
                   R"({{"ph":"{}","pid":{},"tid":{},"name":"{}","ts":{:.3f})",
                   moment ? 'i' : 'X', rank_, static_cast<int>(event.track), event.name,
                   static_cast<double>(event.begin) / 1e3);
    if (moment) {
      fmt::format_to(out, R"(,"s":"t")");
    } else {
      fmt::format_to(out, R"(,"dur":{:.3f})", static_cast<double>(event.end - event.begin) / 1e3);
    }
    if (event.what != nullptr) {
      fmt::format_to(out, R"(,"args":{{"{}":{}}})", event.what, event.value);
    }
    text.push_back('}');
  }
  return fmt::to_string(text);
}

void write_trace(const std::filesystem::path& file,
                 const std::vector<std::string>& events_of_ranks) {
  write_file(file, fmt::format("{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{}\n]}}\n",
                               fmt::join(events_of_ranks, ",\n")));
}

}  // namespace ringtrain
