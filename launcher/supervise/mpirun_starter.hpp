// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "job/events.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/mpi/mpirun_command.hpp"
#include "launcher/mpi/placement.hpp"
#include "launcher/process/process.hpp"
#include "launcher/process/stop_signals.hpp"
#include "launcher/supervise/ranks.hpp"

namespace ringtrain::launcher {

// Ranks under a real mpirun, or any program in its place.
class ProcessRanks : public Ranks {
 public:
  // hostfile: a file that the command names; it lives as long as the ranks.
  ProcessRanks(const MpirunCommand& command, StopSignals& stop,
               std::unique_ptr<TemporaryHostfile> hostfile = nullptr)
      : hostfile_(std::move(hostfile)),
        stop_(stop),
        process_(command.arguments, command.environment) {}

  Seen wait(std::chrono::milliseconds at_most, const LineSink& sink) override;
  ExitStatus finish(const LineSink& sink) override;
  void send(int signal) override { process_.send(signal); }
  void kill() override { process_.kill(); }
  std::string paused() override;

 private:
  std::unique_ptr<TemporaryHostfile> hostfile_;
  StopSignals& stop_;
  Process process_;
  Lines output_;
  Lines errors_;
};

// Starts ranks by Open MPI, and asks hosts by ssh.
class MpirunStarter : public RankStarter {
 public:
  // Returns the command of a rank, the program first.
  using Command = std::function<std::vector<std::string>(const RankLayout& layout, StartFrom from)>;

  // stop: ends a wait for the ranks.
  MpirunStarter(Mpirun mpirun, Command command, StopSignals& stop)
      : mpirun_(std::move(mpirun)), command_(std::move(command)), stop_(stop) {}
  std::unique_ptr<Ranks> start(const std::vector<Host>& hosts, StartFrom from) override;
  std::unique_ptr<HostCheck> check(const std::vector<Host>& hosts) override;

 private:
  Mpirun mpirun_;
  Command command_;
  StopSignals& stop_;
  int attempts_ = 0;
};

}  // namespace ringtrain::launcher
