// SPDX-License-Identifier: Apache-2.0
// Time, hosts, ranks and their disk, all simulated: what supervise() sees of the world. Nothing
// happens but when supervise() waits, and then in the order that the seed determines.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "launcher/supervise/clock.hpp"
#include "launcher/supervise/ranks.hpp"
#include "launcher/supervise/run_observer.hpp"
#include "tests/simulation/scenario.hpp"

namespace ringtrain::simulation {

using launcher::Host;

// How the ranks of an attempt ended, as they know it.
struct TrueEnd {
  bool result = false;         // reported, with no failure before it
  std::optional<int> refused;  // exit code of a failure that another attempt would not mend
  bool released = false;       // they ended because they were asked to, and not by a stop request
};

struct Checkpoint {
  int64_t step;
  bool good;
};

class SimulatedRanks;

class SimulatedCluster : public launcher::Clock,
                         public launcher::RankStarter,
                         public launcher::RunObserver {
 public:
  SimulatedCluster(const Scenario& scenario, Random& random);
  ~SimulatedCluster() override;

  TimePoint now() override { return TimePoint(now_); }
  int wait_for_stop(milliseconds time) override;
  std::unique_ptr<launcher::Ranks> start(const std::vector<Host>& hosts,
                                         launcher::StartFrom from) override;
  std::unique_ptr<launcher::HostCheck> check(const std::vector<Host>& hosts) override;

  void on_event(const Event& event, const std::string& line) override;
  void on_standard_output(const std::string& line) override { note("stdout " + line); }
  void on_standard_error(const std::string& line) override { note("stderr " + line); }
  void on_message(const std::string& text) override { note("message " + text); }
  void on_ranks_ended() override {}

  // Hosts of the hostfile, as it is now.
  std::vector<Host> listed() const;

  // Facts to hold the outcome against.
  const std::vector<std::string>& violations() const { return violations_; }
  const std::vector<std::string>& log() const { return log_; }
  const std::optional<TrueEnd>& last_end() const { return last_end_; }
  int first_stop() const { return first_stop_; }  // signal of the first request that was taken
  std::optional<milliseconds> stopped_at() const { return stopped_at_; }
  milliseconds time() const { return now_; }
  int losses() const { return losses_; }
  int losses_without_progress() const { return losses_without_progress_; }
  bool has_ranks() const { return ranks_ != nullptr; }

 private:
  friend class SimulatedRanks;
  struct SimulatedHost {
    std::string name;
    bool up = true;
    bool listed = true;
  };
  class Check;

  void advance_to(milliseconds time);
  void change_a_host();
  bool stop_is_due() const { return !stops_.empty() && stops_.front().at <= now_; }
  milliseconds next_stop() const;
  bool answers(const std::string& name) const;
  void require(bool condition, const std::string& violation);
  void note(const std::string& text);
  void check_start(const std::vector<Host>& hosts, launcher::StartFrom from);
  int64_t resume_step(launcher::StartFrom from) const;
  void ended(const TrueEnd& end);

  const Scenario& scenario_;
  Random& random_;
  SimulatedRanks* ranks_ = nullptr;  // that run now
  milliseconds now_{0};
  std::vector<SimulatedHost> hosts_;
  milliseconds next_change_;
  std::vector<StopRequest> stops_;

  std::vector<Checkpoint> disk_;
  bool has_reported_checkpoint_ = false;  // of this run, and supervise() has read it
  int64_t newest_reported_ = 0;
  int64_t newest_at_last_loss_ = 0;

  std::map<std::string, bool> last_answers_;
  int starts_ = 0;
  int losses_ = 0;
  int losses_without_progress_ = 0;
  int first_stop_ = 0;
  std::optional<milliseconds> stopped_at_;
  std::optional<TrueEnd> last_end_;
  std::vector<std::string> violations_;
  std::vector<std::string> log_;
};

}  // namespace ringtrain::simulation
