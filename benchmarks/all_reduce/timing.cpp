// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/all_reduce/timing.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/statistics.hpp"
#include "runtime/comm/check_mpi.hpp"

namespace ringtrain::benchmarks {

double seconds_per_call(const World& world, const std::function<void()>& prepare,
                        const std::function<void()>& call, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr int kWarmUp = 3;  // pages, connections, caches
  constexpr int kFewest = 5;
  constexpr int kMost = 20'000;
  const auto now = [] {
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
  };
  std::vector<double> starts;
  std::vector<double> ends;
  const double begin = now();
  int calls = kWarmUp + kFewest;
  for (int i = 0; i < calls; ++i) {
    prepare();
    world.barrier();
    starts.push_back(now());
    call();
    ends.push_back(now());
    if (i + 1 == kWarmUp + kFewest) {
      const double wanted = calls * std::min(seconds / (now() - begin), 1e6);
      calls = std::clamp(static_cast<int>(wanted), calls, kMost);
      check_mpi(MPI_Bcast(&calls, 1, MPI_INT, 0, world.all().get()));
    }
  }
  const bool one_clock = world.node().size() == world.size();
  const auto over_ranks = [&](std::vector<double>& values, MPI_Op op) {
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()),
                            MPI_DOUBLE, op, world.all().get()));
  };
  if (one_clock) {
    over_ranks(starts, MPI_MAX);
    over_ranks(ends, MPI_MAX);
  }
  std::vector<double> times;
  for (size_t i = kWarmUp; i < starts.size(); ++i) times.push_back(ends[i] - starts[i]);
  if (!one_clock) over_ranks(times, MPI_MIN);
  return median(std::move(times));
}

}  // namespace ringtrain::benchmarks
