// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <variant>

#include "tests/simulation/ranks.hpp"

namespace ringtrain::simulation {
namespace {

using std::chrono::seconds;

constexpr milliseconds kNever = milliseconds::max();
constexpr std::chrono::hours kLongestRun(30);
constexpr int kMostStarts = 2000;

}  // namespace

// Answers of hosts, each after a while; one that is down never answers.
class SimulatedCluster::Check : public launcher::HostCheck {
 public:
  Check(SimulatedCluster& cluster, const std::vector<Host>& hosts) : cluster_(cluster) {
    for (const Host& host : hosts) problems_[host.name] = "it does not answer (network)";
    done_at_ = cluster.now_ + cluster.random_.time(milliseconds(20), seconds(9));
  }
  bool done() override {
    if (cluster_.now_ < done_at_) return false;
    if (std::exchange(is_done_, true)) return true;
    cluster_.last_answers_.clear();
    for (auto& [host, problem] : problems_) {
      if (cluster_.answers(host)) problem.clear();
      cluster_.last_answers_[host] = problem.empty();
    }
    return true;
  }
  const std::map<std::string, std::string>& problems() const override { return problems_; }

 private:
  SimulatedCluster& cluster_;
  milliseconds done_at_;
  bool is_done_ = false;
  std::map<std::string, std::string> problems_;
};

SimulatedCluster::SimulatedCluster(const Scenario& scenario, Random& random)
    : scenario_(scenario), random_(random), next_change_(kNever), stops_(scenario.stops) {
  for (int i = 0; i < scenario.hosts; ++i) hosts_.push_back({fmt::format("node{}", i + 1)});
  if (scenario.hosts_change_after.count() > 0) {
    for (SimulatedHost& host : hosts_) {
      host.up = random.chance(80);
      host.listed = random.chance(90);
    }
    next_change_ = random.time(seconds(0), scenario.hosts_change_after);
  }
  if (scenario.earlier_checkpoint) disk_.push_back({*scenario.earlier_checkpoint, true});
}

SimulatedCluster::~SimulatedCluster() = default;

std::vector<Host> SimulatedCluster::listed() const {
  std::vector<Host> result;
  for (const SimulatedHost& host : hosts_) {
    if (host.listed) result.push_back({host.name, scenario_.slots});
  }
  return result;
}

bool SimulatedCluster::answers(const std::string& name) const {
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [&](const SimulatedHost& host) { return host.name == name && host.up; });
}

int SimulatedCluster::wait_for_stop(milliseconds time) {
  const milliseconds until = now_ + time;
  for (;;) {
    if (stop_is_due()) {
      const int signal = stops_.front().signal;
      stops_.erase(stops_.begin());
      note(fmt::format("stop request, signal {}", signal));
      if (first_stop_ == 0) {
        first_stop_ = signal;
        stopped_at_ = now_;
      }
      return signal;
    }
    if (now_ >= until) return 0;
    advance_to(std::min(until, next_stop()));
  }
}

milliseconds SimulatedCluster::next_stop() const {
  return stops_.empty() ? kNever : std::max(now_, stops_.front().at);
}

void SimulatedCluster::advance_to(milliseconds time) {
  if (time > kLongestRun) throw std::runtime_error("the run does not end");
  while (next_change_ <= time) {
    now_ = std::max(now_, next_change_);
    change_a_host();
    next_change_ = now_ + random_.time(milliseconds(1), 2 * scenario_.hosts_change_after);
  }
  now_ = std::max(now_, time);
}

void SimulatedCluster::change_a_host() {
  SimulatedHost& host =
      hosts_[static_cast<size_t>(random_.between(0, static_cast<int64_t>(hosts_.size()) - 1))];
  if (random_.chance(30)) {
    host.listed = !host.listed;
    note(host.name + (host.listed ? " is listed" : " is no longer listed"));
    return;
  }
  host.up = !host.up;
  note(host.name + (host.up ? " is up" : " is down"));
  if (!host.up && ranks_ != nullptr) ranks_->host_is_down(host.name);
}

std::unique_ptr<launcher::HostCheck> SimulatedCluster::check(const std::vector<Host>& hosts) {
  return std::make_unique<Check>(*this, hosts);
}

std::unique_ptr<launcher::Ranks> SimulatedCluster::start(const std::vector<Host>& hosts,
                                                         launcher::StartFrom from) {
  if (++starts_ > kMostStarts) throw std::runtime_error("ranks are started without end");
  check_start(hosts, from);
  last_end_.reset();
  return std::make_unique<SimulatedRanks>(*this, hosts, resume_step(from));
}

void SimulatedCluster::check_start(const std::vector<Host>& hosts, launcher::StartFrom from) {
  const int ranks = launcher::total_slots(hosts);
  note(fmt::format("start {}, {} ranks on {} hosts, from {}", starts_, ranks, hosts.size(),
                   from == launcher::StartFrom::job ? "what the job says" : "a checkpoint"));
  require(ranks_ == nullptr, "ranks are started beside others");
  require(first_stop_ == 0, "ranks are started after a request to stop");
  require(ranks >= scenario_.least_ranks() && ranks <= scenario_.most_ranks(),
          fmt::format("{} ranks are started, not {} to {}", ranks, scenario_.least_ranks(),
                      scenario_.most_ranks()));
  require(losses_without_progress_ <= scenario_.restarts, "more restarts than `restarts`");
  require((from == launcher::StartFrom::newest_checkpoint) == has_reported_checkpoint_,
          "a restart must resume this run's checkpoints, and a first start what the job says");
  if (scenario_.this_machine) return;
  for (const Host& host : hosts) {
    const auto answer = last_answers_.find(host.name);
    require(answer != last_answers_.end() && answer->second, host.name + " did not answer");
    require(host.slots <= scenario_.slots, host.name + " does not have so many slots");
  }
}

// Reads the newest checkpoint that is whole, as the worker does.
int64_t SimulatedCluster::resume_step(launcher::StartFrom from) const {
  if (from == launcher::StartFrom::job) return 0;
  const auto good = std::find_if(disk_.rbegin(), disk_.rend(),
                                 [](const Checkpoint& checkpoint) { return checkpoint.good; });
  return good == disk_.rend() ? 0 : good->step;
}

void SimulatedCluster::on_event(const Event& event, const std::string& line) {
  if (!std::holds_alternative<StepEvent>(event)) note("event " + line.substr(1));
  if (const auto* started = std::get_if<StartedEvent>(&event)) {
    newest_reported_ = std::max(newest_reported_, started->from_step);
  } else if (const auto* checkpoint = std::get_if<CheckpointEvent>(&event)) {
    has_reported_checkpoint_ = true;
    newest_reported_ = std::max(newest_reported_, checkpoint->step);
  } else if (const auto* stopped = std::get_if<StoppedEvent>(&event)) {
    if (!stopped->checkpoint) return;
    has_reported_checkpoint_ = true;
    newest_reported_ = std::max(newest_reported_, stopped->step);
  }
}

void SimulatedCluster::ended(const TrueEnd& end) {
  last_end_ = end;
  if (end.result || end.refused || end.released || first_stop_ != 0) return;
  ++losses_;
  if (newest_reported_ > newest_at_last_loss_) losses_without_progress_ = 0;
  newest_at_last_loss_ = newest_reported_;
  ++losses_without_progress_;
  note("these ranks are lost");
}

void SimulatedCluster::require(bool condition, const std::string& violation) {
  if (condition) return;
  note("VIOLATION: " + violation);
  violations_.push_back(violation);
}

void SimulatedCluster::note(const std::string& text) {
  log_.push_back(fmt::format("{:9.2f} s  {}", static_cast<double>(now_.count()) / 1000, text));
}

}  // namespace ringtrain::simulation
