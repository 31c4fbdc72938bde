// SPDX-License-Identifier: Apache-2.0
// What else this machine did during a round of a benchmark.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ringtrain::benchmarks {

// Time that cores have spent since the machine started, in seconds over all of them.
struct CoreSeconds {
  double busy = 0;    // in any process or in the kernel
  double stolen = 0;  // ready to run, while the hypervisor ran something else
};

// Reads a file as /proc/stat, the lines of these cores alone. Throws std::runtime_error if they are
// not there.
CoreSeconds read_core_seconds(const std::filesystem::path& proc_stat,
                              const std::vector<int>& cores);

// Returns the time that a cache line takes from one core to another, in nanoseconds: the largest
// over pairs of this process's first core and another. 0 with a single core. Takes milliseconds.
//
// Cores of one L3 cache are near (about 30 ns on an AMD EPYC), others far (180 ns); on a virtual
// machine the distance changes while it runs, and with it what ranks pay for each other's data.
double core_distance_ns();

// One round as the gate saw it. Shares are of the time of all cores.
struct RoundNoise {
  double others =
      0;  // share in which cores worked for processes that the benchmark had not started
  double stolen = 0;
  double slowdown = 0;  // of a fixed piece of arithmetic, against its best time in this benchmark
  double core_distance_ns = 0;  // at the start of the round

  // Reasons why the round does not count, in words; empty if it does.
  std::string why_disturbed() const;
  bool cores_are_far() const { return core_distance_ns > kFarCores; }

  static constexpr double kMostOthers = 0.03;
  static constexpr double kMostStolen = 0.01;
  static constexpr double kMostSlowdown = 0.05;
  static constexpr double kFarCores = 80;  // ns
};

nlohmann::ordered_json to_json(const RoundNoise& noise);

// Watches the cores that this process may use. Programs of a round are to be children of this
// process, or children of theirs, and to have ended before end(). Thread: one.
class NoiseGate {
 public:
  NoiseGate();
  void begin();
  RoundNoise end();

 private:
  struct Moment {
    double wall = 0;
    CoreSeconds cores;
    double own = 0;  // CPU seconds of this process and of all children that have ended
  };

  Moment now() const;
  double arithmetic_seconds() const;

  std::vector<int> cores_;
  double best_arithmetic_;  // seconds
  Moment begin_;
  double distance_ = 0;
};

}  // namespace ringtrain::benchmarks
