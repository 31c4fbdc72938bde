// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/cluster.hpp"

namespace ringtrain::simulation {

enum class Fault {
  none,
  killed_rank,  // mpirun reports it and ends the others
  killed_mpirun,
  silent_end,      // exit code 0 without a result
  odd_end,         // exit code 9 without a reason
  hang,            // and so deaf to requests
  paused_rank,     // a hang with a reason
  failure,         // that another attempt may mend
  bad_job,         // exit code 2
  bad_data,        // exit code 3
  bad_arithmetic,  // exit code 4, and another attempt would end the same
  failure_after_result,
  lost_connection,  // to a host, though it is up
  stopped_by_others,
};

// The ranks of one attempt: they start, train step by step, save, and end, well or by a fault.
class SimulatedRanks : public launcher::Ranks {
 public:
  SimulatedRanks(SimulatedCluster& cluster, std::vector<Host> hosts, int64_t from_step);
  ~SimulatedRanks() override;

  Seen wait(milliseconds at_most, const launcher::LineSink& sink) override;
  ExitStatus finish(const launcher::LineSink& sink) override;
  void send(int signal) override;
  void kill() override;
  std::string paused() override { return fault_ == Fault::paused_rank ? "; rank 0 is paused" : ""; }

  // A host of theirs has gone.
  void host_is_down(const std::string& name);

 private:
  struct Line {
    bool error;
    std::string text;
  };
  enum class Phase { starting, training, saving_the_model, leaving, hanging, ended };

  void act();  // at next_
  void train_a_step();
  void strike();  // by fault_
  void save(int64_t step, bool stopped);
  void fail(int exit_code, bool again);
  void leave(ExitStatus status);
  void end(ExitStatus status);
  int64_t epochs() const;
  void write(const std::string& json) { lines_.push_back({false, "\x1e" + json}); }
  void deliver(const launcher::LineSink& sink);

  SimulatedCluster& cluster_;
  const Scenario& scenario_;
  Random& random_;
  const std::vector<Host> hosts_;
  Phase phase_ = Phase::starting;
  milliseconds next_{};
  int64_t step_;
  Fault fault_ = Fault::none;
  int64_t fault_at_ = 0;  // the step
  bool struck_ = false;   // by a fault, or a host that is down
  bool deaf_ = false;     // they do not react to a request to end
  bool asked_ = false;
  std::string lost_host_;
  std::optional<milliseconds> dies_at_;
  std::vector<Line> lines_;
  ExitStatus status_;
  bool finished_ = false;
  TrueEnd true_end_;
  bool has_failed_ = false;
};

}  // namespace ringtrain::simulation
