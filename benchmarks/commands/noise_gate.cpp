// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/noise_gate.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "base/file.hpp"
#include "base/mix.hpp"

namespace ringtrain::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::vector<int> own_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (::sched_getaffinity(0, sizeof mask, &mask) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_getaffinity");
  }
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &mask)) cores.push_back(core);
  }
  return cores;
}

void move_to(int core) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(core, &mask);
  const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof mask, &mask);
  if (error != 0) {
    throw std::system_error(error, std::generic_category(), "pthread_setaffinity_np");
  }
}

double cpu_seconds(int who) {
  rusage usage{};
  if (::getrusage(who, &usage) != 0) {
    throw std::system_error(errno, std::generic_category(), "getrusage");
  }
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Half of a round trip of one cache line between two cores. The best of a few tries, for an
// interrupt only delays.
double distance_ns(int first, int second) {
  constexpr int kTrips = 500;
  constexpr int kTries = 5;
  alignas(64) std::atomic<int> line = 0;
  double best = 0;
  const auto wait_for = [&line](int value) {
    while (line.load(std::memory_order_acquire) != value) std::this_thread::yield();
  };
  std::thread answering([&] {
    move_to(second);
    for (int trip = 0; trip < kTries * kTrips; ++trip) {
      wait_for(2 * trip + 1);
      line.store(2 * trip + 2, std::memory_order_release);
    }
  });
  std::thread asking([&] {
    move_to(first);
    for (int attempt = 0; attempt < kTries; ++attempt) {
      const auto begin = Clock::now();
      for (int trip = attempt * kTrips; trip < (attempt + 1) * kTrips; ++trip) {
        line.store(2 * trip + 1, std::memory_order_release);
        wait_for(2 * trip + 2);
      }
      const double each = seconds_since(begin) / (2 * kTrips) * 1e9;
      best = attempt == 0 ? each : std::min(best, each);
    }
  });
  asking.join();
  answering.join();
  return best;
}

}  // namespace

CoreSeconds read_core_seconds(const std::filesystem::path& proc_stat,
                              const std::vector<int>& cores) {
  // cpuN user nice system idle iowait irq softirq steal guest guest_nice (proc(5)), in ticks.
  // Guests' time is part of user's.
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  CoreSeconds sum;
  size_t found = 0;
  std::istringstream lines(read_file(proc_stat));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
    words >> name >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
    const bool ours = std::any_of(cores.begin(), cores.end(),
                                  [&](int core) { return name == fmt::format("cpu{}", core); });
    if (!ours || !words) continue;
    ++found;
    sum.busy += (user + nice + system + irq + softirq) / ticks;
    sum.stolen += steal / ticks;
  }
  if (found != cores.size()) {
    throw std::runtime_error(fmt::format("{} has no lines of {} of the cores", proc_stat.string(),
                                         cores.size() - found));
  }
  return sum;
}

double core_distance_ns() {
  const std::vector<int> cores = own_cores();
  double farthest = 0;
  for (size_t i = 1; i < cores.size(); ++i) {
    farthest = std::max(farthest, distance_ns(cores.front(), cores[i]));
  }
  return farthest;
}

std::string RoundNoise::why_disturbed() const {
  std::vector<std::string> reasons;
  if (others > kMostOthers) {
    reasons.push_back(fmt::format("other processes used {:.1f}% of the cores", 100 * others));
  }
  if (stolen > kMostStolen) {
    reasons.push_back(fmt::format("the hypervisor took {:.1f}% of the cores' time", 100 * stolen));
  }
  if (slowdown > kMostSlowdown) {
    reasons.push_back(fmt::format("the cores were {:.0f}% slower than before", 100 * slowdown));
  }
  return fmt::format("{}", fmt::join(reasons, ", "));
}

nlohmann::ordered_json to_json(const RoundNoise& noise) {
  return {{"others_share", noise.others},
          {"stolen_share", noise.stolen},
          {"slowdown_share", noise.slowdown},
          {"core_distance_ns", noise.core_distance_ns}};
}

NoiseGate::NoiseGate() : cores_(own_cores()), best_arithmetic_(arithmetic_seconds()) {}

NoiseGate::Moment NoiseGate::now() const {
  return {seconds_since({}), read_core_seconds("/proc/stat", cores_),
          cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN)};
}

// About 20 ms on each core at the same time; the slowest counts.
double NoiseGate::arithmetic_seconds() const {
  constexpr uint64_t kSteps = 8'000'000;
  std::vector<double> seconds(cores_.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < cores_.size(); ++i) {
    threads.emplace_back([&, i] {
      move_to(cores_[i]);
      const auto begin = Clock::now();
      volatile uint64_t value = i;
      uint64_t chained = value;  // each step needs the one before
      for (uint64_t step = 0; step < kSteps; ++step) chained = mix(chained);
      value = chained;
      seconds[i] = seconds_since(begin);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return *std::max_element(seconds.begin(), seconds.end());
}

void NoiseGate::begin() {
  distance_ = core_distance_ns();
  best_arithmetic_ = std::min(best_arithmetic_, arithmetic_seconds());
  begin_ = now();
}

RoundNoise NoiseGate::end() {
  const Moment ended = now();
  const double available =
      std::max((ended.wall - begin_.wall) * static_cast<double>(cores_.size()), 1e-9);
  const double busy = ended.cores.busy - begin_.cores.busy;
  const double arithmetic = arithmetic_seconds();
  best_arithmetic_ = std::min(best_arithmetic_, arithmetic);
  return {.others = std::max(0.0, busy - (ended.own - begin_.own)) / available,
          .stolen = (ended.cores.stolen - begin_.cores.stolen) / available,
          .slowdown = arithmetic / best_arithmetic_ - 1,
          .core_distance_ns = distance_};
}

}  // namespace ringtrain::benchmarks
