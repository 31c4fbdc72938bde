// SPDX-License-Identifier: Apache-2.0
// Whether an emulated figure may be shown.
#pragma once

#include <string>
#include <vector>

namespace ringtrain::benchmarks {

// Figures of one run of emulated ranks.
struct EmulatedRun {
  int ranks = 0;
  double dilation = 1;
  std::vector<double> step_seconds;  // of rank 0, divided by the dilation
  double cpu_share = 0;              // processor time of all ranks, over that of all cores
  double core_wait_share = 0;        // of the time of a rank: ready to run, without a core
  double slept_share = 0;            // of the time of a rank: emulated computation
  double start_seconds = 0;          // from the start of mpirun until every rank could step
  double resident_bytes = 0;         // of a rank, mean
};

// Cores that are busy, or ranks that wait for one, distort what is not emulated.
inline constexpr double kMostCpuShare = 0.5;
inline constexpr double kMostCoreWait = 0.02;
// A step that depends on the dilation by more than this is one of these cores, not of the protocol.
inline constexpr double kMostDifference = 0.05;

// Median step of a run, in seconds.
double step_of(const EmulatedRun& run);

// Returns why a run is void; empty where it is valid.
std::string why_void(const EmulatedRun& run);
// The same for a point measured at two dilations; single runs that are void make it void.
std::string why_void(const EmulatedRun& at_k, const EmulatedRun& at_twice);

}  // namespace ringtrain::benchmarks
