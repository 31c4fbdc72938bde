// SPDX-License-Identifier: Apache-2.0
#include "tracking/tracker_life.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <system_error>
#include <thread>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "job/events_file.hpp"
#include "net/http_server.hpp"
#include "tracking/job_metrics.hpp"
#include "tracking/shared_run.hpp"
#include "tracking/tensorboard.hpp"
#include "tracking/to_mlflow.hpp"
#include "tracking/to_trainer.hpp"

namespace ringtrain::tracking {
namespace {

// A recorder writes outcome.json once the launcher is gone.
constexpr std::chrono::seconds kForOutcome(5);

// A run lives as long as its tracker, so this is short; `ringtrain track` sends what is left.
constexpr std::chrono::seconds kForMlflow(10);

// /metrics, on a thread of its own.
class MetricsDoor {
 public:
  MetricsDoor(const ListenAddress& at, std::function<std::string()> text)
      : text_(std::move(text)),
        server_({.address = at.address, .port = at.port},
                [this](const net::ServedRequest& request) { return answer(request); }),
        thread_([this] { server_.run(); }) {}
  ~MetricsDoor() {
    server_.stop();
    thread_.join();
  }
  MetricsDoor(const MetricsDoor&) = delete;
  MetricsDoor& operator=(const MetricsDoor&) = delete;

  uint16_t port() const { return server_.port(); }

 private:
  net::Answer answer(const net::ServedRequest& request) const {
    const bool is_known = request.target.substr(0, request.target.find('?')) == "/metrics" &&
                          (request.method == "GET" || request.method == "HEAD");
    if (is_known) return {.headers = {{"Content-Type", kMetricsType}}, .body = text_()};
    return {.status = 404,
            .headers = {{"Content-Type", "text/plain"}},
            .body = "there is GET /metrics alone\n"};
  }

  const std::function<std::string()> text_;
  net::HttpServer server_;
  std::thread thread_;
};

class Life {
 public:
  explicit Life(TrackerOptions options) : options_(std::move(options)) {
    if (!options_.tensorboard.empty()) tensorboard_.emplace(options_.tensorboard);
    if (options_.mlflow) keep_events();
  }

  // Returns the port; 0: none. Throws std::system_error.
  uint16_t listen() {
    if (!options_.metrics) return 0;
    door_ = std::make_unique<MetricsDoor>(*options_.metrics, [this] { return metrics(); });
    return door_->port();
  }

  int run(int events) {
    std::atomic<bool> has_failed = false;
    std::vector<std::thread> threads;
    if (push_) {
      threads.emplace_back(
          [&] { has_failed = !push_to_mlflow(*push_, run_, kForMlflow) || has_failed; });
    }
    if (options_.trainer) {
      threads.emplace_back([&] { post_to_trainer(*options_.trainer, run_); });
    }
    read(events);
    run_.end(outcome_ ? *outcome_ : outcome_without_launcher());
    for (std::thread& thread : threads) thread.join();
    door_.reset();
    return has_failed ? 1 : 0;
  }

 private:
  // Opens mlflow.json, and a queue of events where the run keeps none.
  void keep_events() {
    try {
      if (options_.events.empty()) {
        own_folder_.emplace("ringtrain-tracker.");
        options_.events = own_folder_->path() / "events.jsonl";
        options_.mlflow_state = own_folder_->path() / "mlflow.json";
        own_events_.emplace(options_.events);
      }
      push_.emplace(*options_.mlflow, options_.mlflow_state, options_.name, options_.parameters,
                    options_.events);
    } catch (const std::exception& error) {
      warn(fmt::format("nothing is pushed to MLflow: {}", error.what()));
    }
  }

  std::string metrics() {
    const JobFigures figures = run_.figures();
    MetricsText text;
    add_jobs(text, {{.name = options_.name,
                     .model = options_.model,
                     .dataset = options_.dataset,
                     .state = living_state(figures),
                     .in_pods = options_.in_pods,
                     .figures = &figures}});
    return text.take();
  }

  void read(int from) {
    Lines lines;
    std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t size = ::read(from, buffer.data(), buffer.size());
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return;
      lines.feed({buffer.data(), static_cast<size_t>(size)},
                 [this](const std::string& line) { take(line); });
    }
  }

  void take(const std::string& line) {
    const auto event = parse_event(line);
    if (!event) {
      if (const auto outcome = parse_outcome(line)) outcome_ = outcome;
      return;
    }
    run_.take(*event);
    if (own_events_) own_events_->append(line);
    if (!tensorboard_) return;
    try {
      tensorboard_->take(*event);
    } catch (const Error& error) {
      tensorboard_.reset();
      warn(fmt::format("nothing is written for TensorBoard: {}", error.what()));
    }
  }

  Outcome outcome_without_launcher() const {
    const auto now = std::chrono::system_clock::now();
    Outcome killed{.status = RunStatus::killed, .started = now, .ended = now};
    if (own_events_ || options_.events.empty()) return killed;
    for (const Deadline deadline(kForOutcome); !deadline.passed();) {
      const auto found = read_outcome(options_.events.parent_path() / "outcome.json");
      if (found) return *found;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return killed;
  }

  TrackerOptions options_;
  SharedRun run_;
  std::optional<TemporaryFolder> own_folder_;
  std::optional<EventsFile> own_events_;
  std::optional<MlflowPush> push_;
  std::optional<TensorBoard> tensorboard_;
  std::optional<Outcome> outcome_;
  std::unique_ptr<MetricsDoor> door_;
};

}  // namespace

int run_tracker(const TrackerOptions& options, int events, FileDescriptor answer) {
  ::setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) ::signal(signal, SIG_IGN);
  Life life(options);
  try {
    write_all(answer.get(), std::to_string(life.listen()));
  } catch (const std::system_error& error) {
    write_all(answer.get(), error.what());
    return 1;
  }
  answer.close();
  return life.run(events);
}

}  // namespace ringtrain::tracking
