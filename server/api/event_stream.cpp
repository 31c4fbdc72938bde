// SPDX-License-Identifier: Apache-2.0
#include "server/api/event_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace ringtrain::server {
namespace {

// Bytes that a viewer may leave unread before it loses figures; states may use the rest.
constexpr size_t kForFigures = size_t{64} << 10;

bool matches(const EventFilter& filter, const std::string& kind, const std::string& job) {
  return (filter.jobs.empty() || filter.jobs.contains(job)) &&
         (filter.kinds.empty() || filter.kinds.contains(kind));
}

// The latest of these says all.
bool is_figure(const std::string& kind) { return kind == "step"; }

}  // namespace

EventStream::EventStream(size_t max_viewers)
    : max_viewers_(max_viewers),
      run_(fmt::format("{:x}", std::chrono::system_clock::now().time_since_epoch().count())) {}

std::string EventStream::id(uint64_t number) const { return fmt::format("{}.{}", run_, number); }

void EventStream::publish(const std::string& kind, const std::string& job,
                          const nlohmann::ordered_json& data) {
  const uint64_t number = next_++;
  kept_.push_back(
      {number, kind, job,
       fmt::format("id: {}\nevent: {}\ndata: {{\"job\":{},\"data\":{}}}\n\n", id(number), kind,
                   nlohmann::json(job).dump(),
                   data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace))});
  if (kept_.size() > kKept) kept_.pop_front();
  for (Viewer& viewer : viewers_) send(viewer, kept_.back());
}

void EventStream::send(Viewer& viewer, const Kept& event) {
  if (!matches(viewer.filter, event.kind, event.job)) return;
  if (is_figure(event.kind) && viewer.push->waiting() > kForFigures) {
    ++dropped_;
    viewer.has_gap = true;
    return;
  }
  const bool is_told =
      !viewer.has_gap || viewer.push->push("event: gap\ndata: {\"why\":\"slow\"}\n\n");
  if (is_told && viewer.push->push(event.text)) {
    viewer.has_gap = false;
  } else {
    // It reads nothing at all: it comes back with its last id.
    viewer.push->end();
  }
}

std::shared_ptr<net::HttpPush> EventStream::add(const EventFilter& filter,
                                                const std::string& last_id) {
  keep_alive();
  if (viewers_.size() >= max_viewers_) return nullptr;
  Viewer viewer{filter, std::make_shared<net::HttpPush>()};
  viewer.push->push(fmt::format("retry: 2000\nid: {}\n\n", id(next_ - 1)));
  if (!last_id.empty()) {
    const bool is_ours = last_id.starts_with(run_ + ".");
    const uint64_t last =
        is_ours ? std::strtoull(last_id.c_str() + run_.size() + 1, nullptr, 10) : 0;
    const uint64_t oldest = kept_.empty() ? next_ : kept_.front().number;
    if (!is_ours || last + 1 < oldest || last >= next_) {
      viewer.push->push("event: gap\ndata: {\"why\":\"too old\"}\n\n");
    } else {
      for (const Kept& event : kept_) {
        if (event.number > last) send(viewer, event);
      }
    }
  }
  viewers_.push_back(viewer);
  return viewer.push;
}

void EventStream::keep_alive() {
  for (Viewer& viewer : viewers_) {
    if (viewer.push->waiting() == 0) viewer.push->push(":\n\n");
  }
  std::erase_if(viewers_, [](const Viewer& viewer) { return viewer.push->is_closed(); });
}

}  // namespace ringtrain::server
