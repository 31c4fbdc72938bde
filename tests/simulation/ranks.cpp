// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/ranks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace ringtrain::simulation {
namespace {

using std::chrono::seconds;

constexpr milliseconds kNever = milliseconds::max();

}  // namespace

SimulatedRanks::SimulatedRanks(SimulatedCluster& cluster, std::vector<Host> hosts,
                               int64_t from_step)
    : cluster_(cluster),
      scenario_(cluster.scenario_),
      random_(cluster.random_),
      hosts_(std::move(hosts)),
      step_(from_step) {
  cluster_.ranks_ = this;
  next_ = cluster_.now_ + random_.time(milliseconds(200), seconds(30));
  deaf_ = random_.chance(10);
  if (random_.chance(scenario_.percent_faults)) {
    fault_ = static_cast<Fault>(random_.between(static_cast<int64_t>(Fault::killed_rank),
                                                static_cast<int64_t>(Fault::stopped_by_others)));
    fault_at_ = random_.between(step_, scenario_.steps);
    if (random_.chance(10) && fault_ != Fault::failure_after_result)
      fault_at_ = -1;  // at the start
  }
}

SimulatedRanks::~SimulatedRanks() {
  cluster_.require(phase_ == Phase::ended && finished_, "ranks were left running");
  if (cluster_.ranks_ == this) cluster_.ranks_ = nullptr;
}

launcher::Ranks::Seen SimulatedRanks::wait(milliseconds at_most, const launcher::LineSink& sink) {
  const milliseconds until = cluster_.now_ + at_most;
  for (;;) {
    if (!lines_.empty() || phase_ == Phase::ended) {
      const bool output = !lines_.empty();
      deliver(sink);
      return {.output = output, .ended = phase_ == Phase::ended};
    }
    if (cluster_.stop_is_due() || cluster_.now_ >= until) return {};
    cluster_.advance_to(std::min({until, next_, dies_at_.value_or(kNever), cluster_.next_stop()}));
    if (phase_ == Phase::ended) continue;
    if (dies_at_ && cluster_.now_ >= *dies_at_) {
      end({0, SIGKILL});
    } else if (cluster_.now_ >= next_) {
      act();
    }
  }
}

ExitStatus SimulatedRanks::finish(const launcher::LineSink& sink) {
  cluster_.require(phase_ == Phase::ended, "ranks were waited for before they ended");
  deliver(sink);
  finished_ = true;
  cluster_.ended(true_end_);
  return status_;
}

void SimulatedRanks::send(int signal) {
  if (phase_ == Phase::ended) return;
  cluster_.require(signal == SIGUSR2, "ranks got another signal than SIGUSR2");
  if (!asked_ && cluster_.first_stop_ == 0) true_end_.released = true;
  asked_ = true;
}

void SimulatedRanks::kill() {
  if (phase_ == Phase::ended || dies_at_) return;
  cluster_.note("kill");
  cluster_.require(struck_ || asked_ || cluster_.first_stop_ != 0 || phase_ == Phase::leaving,
                   "ranks were killed that were well");
  dies_at_ = cluster_.now_ + milliseconds(50);
}

void SimulatedRanks::host_is_down(const std::string& name) {
  const bool ours = std::any_of(hosts_.begin(), hosts_.end(),
                                [&](const Host& host) { return host.name == name; });
  if (!ours || phase_ == Phase::ended) return;
  struck_ = true;
  lost_host_ = name;
  phase_ = Phase::hanging;
  next_ = cluster_.now_ + random_.time(milliseconds(0), seconds(8));  // until ssh notices
}

void SimulatedRanks::act() {
  switch (phase_) {
    case Phase::starting:
      if (fault_ != Fault::none && fault_at_ < 0) return strike();
      asked_ = false;  // requests do not reach ranks that are starting
      write(fmt::format(R"({{"event":"started","world_size":{},"steps":{},"epochs":{},"step":{}}})",
                        launcher::total_slots(hosts_), scenario_.steps, epochs(), step_));
      phase_ = step_ >= scenario_.steps ? Phase::saving_the_model : Phase::training;
      next_ = cluster_.now_ + scenario_.step_time;
      return;
    case Phase::training:
      return train_a_step();
    case Phase::saving_the_model:
      write(R"({"event":"result","name":"simulated","model":"/nonexistent/model.safetensors"})");
      true_end_.result = !has_failed_;
      if (fault_ == Fault::failure_after_result) fail(4, true);
      return leave({0, 0});
    case Phase::leaving:
      return end(status_);
    case Phase::hanging:
      next_ = kNever;
      if (!lost_host_.empty() && random_.chance(80)) {
        write(fmt::format(R"({{"event":"lost_host","host":"{}"}})", lost_host_));
      }
      return;
    case Phase::ended:
      return;
  }
}

int64_t SimulatedRanks::epochs() const {
  return (scenario_.steps + scenario_.steps_per_epoch - 1) / scenario_.steps_per_epoch;
}

void SimulatedRanks::train_a_step() {
  if (asked_ && !deaf_) {
    save(step_, true);
    return leave({0, 0});
  }
  if (fault_ != Fault::none && fault_ != Fault::failure_after_result && step_ >= fault_at_) {
    strike();
    if (phase_ != Phase::training) return;
    fault_ = Fault::none;  // the ranks themselves are well
  }
  ++step_;
  const int64_t epoch = (step_ - 1) / scenario_.steps_per_epoch + 1;
  write(fmt::format(R"({{"event":"step","epoch":{},"epochs":{},"step":{},"steps":{},"loss":0.5}})",
                    epoch, epochs(), step_, scenario_.steps));
  next_ = cluster_.now_ + scenario_.step_time;
  if (random_.chance(2)) next_ += random_.time(milliseconds(0), seconds(8));  // no hang yet
  const bool last = step_ >= scenario_.steps;
  if (scenario_.checkpoint_every > 0 && step_ % scenario_.checkpoint_every == 0) save(step_, false);
  if (last || step_ % scenario_.steps_per_epoch == 0) {
    write(fmt::format(R"({{"event":"epoch","epoch":{},"epochs":{},"step":{}}})", epoch, epochs(),
                      step_));
  }
  if (!last) return;
  phase_ = Phase::saving_the_model;
  next_ = cluster_.now_ + random_.time(milliseconds(100), seconds(20));
}

void SimulatedRanks::save(int64_t step, bool stopped) {
  if (scenario_.can_save) {
    cluster_.disk_.push_back({step, !random_.chance(scenario_.percent_bad_saves)});
    write(fmt::format(R"({{"event":"checkpoint","step":{}}})", step));
  }
  if (stopped) {
    write(fmt::format(R"({{"event":"stopped","step":{},"checkpoint":{}}})", step,
                      scenario_.can_save ? "\"here\"" : "null"));
  }
}

void SimulatedRanks::fail(int exit_code, bool again) {
  has_failed_ = true;
  true_end_.result = false;
  if (!again) true_end_.refused = exit_code;
  write(fmt::format(
      R"({{"event":"failure","exit_code":{},"again":{},"rank":0,"host":"h","message":"m"}})",
      exit_code, again));
}

void SimulatedRanks::strike() {
  struck_ = true;
  cluster_.note(fmt::format("fault {}", static_cast<int>(fault_)));
  switch (fault_) {
    case Fault::none:
    case Fault::failure_after_result:
      return;
    case Fault::killed_rank: {
      if (random_.chance(30)) fail(4, true);  // of a rank that lost it
      const std::string dashes(74, '-');
      lines_.push_back({true, dashes});
      lines_.push_back({true,
                        "mpirun noticed that process rank 0 with PID 5 on node h exited on signal "
                        "9 (Killed)."});
      lines_.push_back({true, dashes});
      return leave({137, 0});
    }
    case Fault::killed_mpirun:
      return end({0, SIGKILL});
    case Fault::silent_end:
      return end({0, 0});
    case Fault::odd_end:
      return end({9, 0});
    case Fault::hang:
    case Fault::paused_rank:
      phase_ = Phase::hanging;
      next_ = kNever;
      return;
    case Fault::failure:
      fail(4, true);
      return leave({4, 0});
    case Fault::bad_job:
      fail(2, false);
      return leave({2, 0});
    case Fault::bad_data:
      fail(3, false);
      return leave({3, 0});
    case Fault::bad_arithmetic:
      fail(4, false);
      return leave({4, 0});
    case Fault::lost_connection:
      write(R"({"event":"lost_host","host":"h"})");
      if (phase_ == Phase::starting) next_ = kNever;
      return;
    case Fault::stopped_by_others:
      save(std::max<int64_t>(step_, 0), true);
      return leave({0, 0});
  }
}

// Ends soon, or hangs on the way.
void SimulatedRanks::leave(ExitStatus status) {
  phase_ = Phase::leaving;
  status_ = status;
  next_ = random_.chance(15) ? kNever
                             : cluster_.now_ + random_.time(milliseconds(10), milliseconds(2500));
}

void SimulatedRanks::end(ExitStatus status) {
  phase_ = Phase::ended;
  status_ = status;
}

void SimulatedRanks::deliver(const launcher::LineSink& sink) {
  for (const Line& line : std::exchange(lines_, {})) {
    (line.error ? sink.standard_error : sink.standard_output)(line.text);
  }
}

}  // namespace ringtrain::simulation
