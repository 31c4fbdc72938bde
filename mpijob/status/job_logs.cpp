// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/job_logs.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <deque>
#include <sstream>
#include <stdexcept>

#include "base/deadline.hpp"
#include "base/text.hpp"
#include "mpijob/client/api_error.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/status/job_observer.hpp"
#include "mpijob/status/job_watch.hpp"
#include "mpijob/status/pod_log.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

// Returns the pod whose log is wanted; empty where there is none yet.
std::string wanted_pod(const JobObserver& observer, const LogOptions& options) {
  if (options.rank < 0) {
    const auto pods = observer.pods();
    return name_of(newest_launcher(pods));
  }
  const auto& started = observer.log().started();
  if (!started) return "";
  for (const RankPlacement& place : started->placement) {
    if (place.rank == options.rank) return place.host.substr(0, place.host.find('.'));
  }
  throw std::runtime_error(fmt::format("{} has no rank {}: it has {}", options.name, options.rank,
                                       counted(started->world_size, "rank")));
}

// Returns whether the kubelet can have a log of the pod.
bool has_started(const JobObserver& observer, const std::string& pod) {
  for (const json& one : observer.pods()) {
    if (name_of(one) != pod) continue;
    const std::string phase = look_text(one, {"status", "phase"});
    return phase == "Running" || phase == "Succeeded" || phase == "Failed";
  }
  return false;
}

class LogPrinter {
 public:
  LogPrinter(ApiClient& client, const LogOptions& options)
      : client_(client), options_(options), observer_(client, options.name) {}

  void print_once() {
    const std::string pod = wanted_pod(observer_, options_);
    if (pod.empty() || !has_started(observer_, pod)) {
      throw std::runtime_error(fmt::format("no log yet: {}", status_line(picture())));
    }
    // For the server, events count as lines, so the tail is cut here.
    std::istringstream lines(client_.log(pod, "timestamps=true"));
    std::deque<std::string> last;
    for (std::string line; std::getline(lines, line);) {
      if (!options_.events && split_stamp(line).text.starts_with('\x1e')) continue;
      last.push_back(std::move(line));
      if (options_.tail && last.size() > static_cast<size_t>(*options_.tail)) last.pop_front();
    }
    for (const std::string& line : last) print(line);
  }

  void follow() {
    std::string shown;
    for (;;) {
      const JobStatus status = observer_.status();
      const std::string pod = wanted_pod(observer_, options_);
      const bool another = !stream_ || stream_->pod() != pod;
      if (!pod.empty() && has_started(observer_, pod) && (another || must_reopen(status))) {
        open(pod, another);
      }
      if (!stream_ && status.state + status.why != shown) {
        shown = status.state + status.why;
        std::fputs(fmt::format("ringtrain: {}\n", status_line(picture())).c_str(), stderr);
      }
      if (stream_) stream_->check();
      const bool done = status.has_ended() || status.is_hopeless() || status.state == "Suspended";
      if (done && (!stream_ || stream_->has_ended())) return;
      observer_.wait(std::chrono::milliseconds(500));
      std::fflush(stdout);
    }
  }

 private:
  std::string tail() const {
    return options_.tail ? fmt::format("&tailLines={}", *options_.tail) : "";
  }

  JobPicture picture() const { return picture_of(observer_); }

  // Returns whether the stream broke off while its container runs, or was restarted.
  bool must_reopen(const JobStatus& status) {
    if (!stream_->has_ended()) return false;
    for (const PodStatus& pod : status.pods) {
      if (pod.name == stream_->pod() && (pod.state == "Running" || pod.state == "NotReady")) {
        return next_open_.passed();
      }
    }
    return false;
  }

  void open(const std::string& pod, bool another) {
    std::string query;
    if (another && !seen_anything_) {
      query = tail().empty() ? "" : tail().substr(1);
    } else if (!another && last_) {
      // sinceTime has whole seconds, so lines come again, which print() skips.
      query = "sinceTime=" + print_time(*last_);
    }
    resume_after_ = another ? "" : last_key_;
    next_open_ = Deadline(std::chrono::seconds(1));
    stream_ = std::make_unique<PodLog>(client_, pod, query,
                                       [this](const std::string& line) { print(line); });
  }

  void print(const std::string& line) {
    const StampedLine stamped = split_stamp(line);
    const std::string key = line.substr(0, line.find(' '));  // with nanoseconds
    if (stamped.time) {
      if (!resume_after_.empty() && key <= resume_after_) return;
      last_ = stamped.time;
      last_key_ = key;
    }
    seen_anything_ = true;
    if (stamped.text.starts_with('\x1e')) {
      if (options_.events) std::fputs((stamped.text.substr(1) + "\n").c_str(), stdout);
      return;
    }
    std::fputs((stamped.text + "\n").c_str(), stdout);
  }

  ApiClient& client_;
  const LogOptions& options_;
  JobObserver observer_;
  std::unique_ptr<PodLog> stream_;
  Deadline next_open_{std::chrono::seconds(0)};
  bool seen_anything_ = false;
  std::optional<Time> last_;
  std::string last_key_;
  std::string resume_after_;
};

}  // namespace

void print_logs(ApiClient& client, const LogOptions& options) {
  LogPrinter printer(client, options);
  options.follow ? printer.follow() : printer.print_once();
}

}  // namespace ringtrain::mpijob
