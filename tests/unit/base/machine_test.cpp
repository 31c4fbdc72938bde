// SPDX-License-Identifier: Apache-2.0
#include "base/machine.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

class Cgroup : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((directory_.path() / name).parent_path());
    directory_.write(name, text);
  }
  std::optional<double> cpus() {
    return cgroup_cpu_quota(directory_.path() / "self", directory_.path() / "cgroup");
  }
  std::optional<uint64_t> bytes() {
    return cgroup_memory_limit(directory_.path() / "self", directory_.path() / "cgroup");
  }

  const TemporaryDirectory directory_;
};

TEST_F(Cgroup, Version2TakesTheLeastOnTheWayUp) {
  write("self", "0::/a/b\n");
  write("cgroup/a/cpu.max", "150000 100000\n");
  write("cgroup/a/b/cpu.max", "max 100000\n");
  write("cgroup/a/memory.max", "max\n");
  write("cgroup/a/b/memory.max", "1048576\n");
  EXPECT_EQ(cpus(), 1.5);
  EXPECT_EQ(bytes(), 1048576U);
}

TEST_F(Cgroup, Version1KnowsItsControllers) {
  write("self", "5:cpu,cpuacct:/a\n3:memory:/a\n");
  write("cgroup/cpu/a/cpu.cfs_quota_us", "200000\n");
  write("cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  write("cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(cpus(), 2);
  EXPECT_EQ(bytes(), std::nullopt);
}

TEST_F(Cgroup, NoLimitIsNone) {
  EXPECT_EQ(cpus(), std::nullopt);
  write("self", "0::/\n");
  write("cgroup/cpu.max", "nonsense");
  EXPECT_EQ(cpus(), std::nullopt);
}

TEST(Cores, AQuotaCountsInWholeCores) {
  EXPECT_EQ((Cores{8, 4, std::nullopt}.usable()), 4);
  EXPECT_EQ((Cores{8, 4, 2.5}.usable()), 2);
  EXPECT_EQ((Cores{8, 4, 0.5}.usable()), 1);
  EXPECT_EQ((Cores{8, 4, 64.0}.usable()), 4);
}

TEST(Cores, ThisMachineHasSome) {
  const Cores cores = this_machine_cores();
  EXPECT_GE(cores.cores, 1);
  EXPECT_GE(cores.threads, cores.cores);
}

TEST(Memory, IsUsableWithinTheLimit) {
  EXPECT_EQ((Memory{.total = 8, .available = 5}.usable()), 5U);
  EXPECT_EQ((Memory{.total = 8, .available = 5, .limit = 3}.usable()), 3U);
  EXPECT_EQ((Memory{.total = 8, .available = 5, .limit = 7}.usable()), 5U);
}

TEST(Memory, ThisMachineHasSome) {
  const Memory memory = this_machine_memory();
  EXPECT_GT(memory.available, 0U);
  EXPECT_GE(memory.total, memory.available);
}

}  // namespace
}  // namespace ringtrain
