// SPDX-License-Identifier: Apache-2.0
// ringtrain-emulated-rank JOB: one rank of `ringtrain bench emulate`, where JOB is the JSON of an
// EmulatedJob. Needs no torch. Rank 0 prints a JSON object.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/stopwatch.hpp"
#include "base/time.hpp"
#include "benchmarks/emulation/emulated_rank.hpp"
#include "runtime/comm/check_mpi.hpp"
#include "runtime/observe/core_wait.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr int kWarmUp = 2;  // connections, pages; not timed

// Whoever waits for a message looks for it at intervals of 20 us (MpiMessages). They are dilated as
// well, by the slack that the kernel may add to a sleep; threads inherit it.
void dilate_polling(double dilation) {
  constexpr double kPollNanoseconds = 20'000;
  constexpr double kPreciseNanoseconds = 1'000;
  const double slack = dilation > 1 ? dilation * kPollNanoseconds : kPreciseNanoseconds;
  prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack));
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

double sum(const World& world, double mine) {
  double all = 0;
  check_mpi(MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, world.all().get()));
  return all;
}

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

nlohmann::json run(const World& world, const EmulatedJob& job) {
  std::vector<double> steps;
  double wall = 0, cpu = 0, waited = 0, slept = 0;
  const double world_ready = unix_seconds();
  double ready = 0;
  {
    EmulatedRank rank(world, job);
    ready = unix_seconds();
    for (int i = 1; i <= kWarmUp; ++i) rank.step(i);
    const double start = seconds_now();
    const double cpu_before = cpu_seconds();
    const double waited_before = read_thread_times().waited;
    const double slept_before = rank.slept_seconds();
    double end = start;
    for (int i = 1; i <= job.steps; ++i) {
      rank.step(kWarmUp + i);
      const double now = seconds_now();
      steps.push_back((now - std::exchange(end, now)) / job.dilation);
    }
    wall = end - start;
    cpu = cpu_seconds() - cpu_before;
    waited = read_thread_times().waited - waited_before;
    slept = rank.slept_seconds() - slept_before;
  }
  const double ranks = world.size();
  return {{"ranks", world.size()},
          {"world_ready", world_ready},
          {"ready", ready},
          {"step_seconds", steps},
          {"wall_seconds", wall},
          {"cpu_seconds", sum(world, cpu)},
          {"core_wait_share", sum(world, waited) / ranks / wall},
          {"slept_share", sum(world, slept) / ranks / wall},
          {"resident_bytes", sum(world, resident_bytes()) / ranks}};
}

}  // namespace
}  // namespace ringtrain::benchmarks

int main(int argc, char** argv) {
  using namespace ringtrain;
  if (argc != 2) {
    fmt::print(stderr, "usage: ringtrain-emulated-rank JOB (ringtrain bench emulate starts it)\n");
    return 2;
  }
  try {
    const benchmarks::EmulatedJob job = benchmarks::read_emulated_job(argv[1]);
    benchmarks::dilate_polling(job.dilation);
    const World world;
    try {
      const nlohmann::json result = benchmarks::run(world, job);
      if (world.rank() == 0) fmt::print("{}\n", result.dump());
    } catch (const std::exception& error) {
      fmt::print(stderr, "rank {}: {}\n", world.rank(), error.what());
      World::abort(4);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 3;
  }
  return 0;
}
