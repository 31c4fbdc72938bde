// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/noise_gate.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>

#include "base/file.hpp"
#include "base/machine.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::benchmarks {
namespace {

TEST(NoiseGate, CountsTheTimeOfOurCoresAlone) {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "stat";
  write_file(file,
             "cpu  9 9 9 9 9 9 9 9 9 9\n"
             "cpu0 100 20 30 4000 50 6 7 80 90 0\n"
             "cpu1 1 1 1 1 1 1 1 1 0 0\n"
             "cpu10 1000 0 0 0 0 0 0 500 0 0\n"
             "intr 5\n");
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const CoreSeconds zero = read_core_seconds(file, {0});
  EXPECT_DOUBLE_EQ(zero.busy, 163 / ticks);
  EXPECT_DOUBLE_EQ(zero.stolen, 80 / ticks);
  EXPECT_DOUBLE_EQ(read_core_seconds(file, {0, 10}).stolen, 580 / ticks);
  EXPECT_THROW(read_core_seconds(file, {0, 2}), std::runtime_error);
}

TEST(NoiseGate, NamesEveryReason) {
  RoundNoise noise;
  EXPECT_EQ(noise.why_disturbed(), "");
  noise.others = 0.25;
  noise.stolen = 0.02;
  noise.slowdown = 0.1;
  EXPECT_EQ(noise.why_disturbed(),
            "other processes used 25.0% of the cores, the hypervisor took 2.0% of the cores' time, "
            "the cores were 10% slower than before");
}

TEST(NoiseGate, DoesNotCountItsOwnWorkAsAnothers) {
  NoiseGate gate;
  gate.begin();
  volatile double value = 1;
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(300)) {
    value = value * 1.0000001;
  }
  const RoundNoise noise = gate.end();
  // Nothing is said of what others did meanwhile.
  EXPECT_GE(noise.others, 0);
  EXPECT_LE(noise.others, 1.05);
  EXPECT_GE(noise.slowdown, 0);
  EXPECT_EQ(noise.core_distance_ns > 0, this_machine_cores().threads > 1);
}

}  // namespace
}  // namespace ringtrain::benchmarks
