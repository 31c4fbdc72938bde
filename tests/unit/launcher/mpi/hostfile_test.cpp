// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/hostfile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "tests/unit/job/refusal.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Hosts = std::vector<Host>;

std::string refused(const std::string& text) {
  return refusal([&] { parse_hostfile(text, "hosts"); });
}

TEST(Hostfile, KnowsSlotsCommentsAndBlankLines) {
  EXPECT_EQ(parse_hostfile("# ours\n\nnode1 slots=4 # fast\n  node2\tslots=2 max_slots=8\nnode3\n",
                           "hosts"),
            (Hosts{{"node1", 4}, {"node2", 2}, {"node3", 1}}));
}

TEST(Hostfile, AddsUpTheSlotsOfAHostThatStandsThereTwice) {
  EXPECT_EQ(parse_hostfile("a slots=1\nb\na slots=2\n", "hosts"), (Hosts{{"a", 3}, {"b", 1}}));
}

TEST(Hostfile, AddsUpTheSlotsOfAllNamesOfThisMachine) {
  std::array<char, 256> own{};
  ASSERT_EQ(::gethostname(own.data(), own.size() - 1), 0);
  EXPECT_EQ(parse_hostfile(std::string("a\n127.0.0.1 slots=2\nlocalhost\n") + own.data() + "\nb\n",
                           "hosts"),
            (Hosts{{"a", 1}, {"127.0.0.1", 4}, {"b", 1}}));
}

TEST(Hostfile, SaysHowSlotsAreWritten) {
  EXPECT_EQ(refused("a\nlocalhost:2\n"), "hosts:2: 'localhost:2': write 'localhost slots=2'");
  EXPECT_EQ(refused("node1:\n"), "hosts:1: 'node1:': write 'node1 slots=N'");
}

TEST(Hostfile, KnowsAJobFileAndShowsTheFormat) {
  EXPECT_EQ(
      refused("# ours\nmodel: lenet\ndataset: mnist.h5\n"),
      "hosts:2: 'model: lenet' is YAML, as of a job file: a hostfile has a line for each host, "
      "as in 'node1 slots=4'");
  EXPECT_THAT(refused("{\"model\": \"lenet\"}\n"), HasSubstr("as in 'node1 slots=4'"));
}

TEST(Hostfile, TakesNamesAndAddresses) {
  EXPECT_EQ(parse_hostfile("10.0.0.1\nfe80::1\nw-0.job.svc\n", "hosts").size(), 3U);
}

TEST(Hostfile, RefusesByFileAndLine) {
  EXPECT_THAT(refused("a\nb slots=0\n"), StartsWith("hosts:2: slots must be a whole number"));
  EXPECT_THAT(refused("a slots=x\n"), StartsWith("hosts:1: slots must be a whole number"));
  EXPECT_THAT(refused("a slots=\n"), StartsWith("hosts:1: slots must be a whole number"));
  EXPECT_THAT(refused("a slots=99999999999\n"), StartsWith("hosts:1: slots must be"));
  EXPECT_THAT(refused("a slots 4\n"), StartsWith("hosts:1: 'slots' is not understood"));
  EXPECT_THAT(refused("-oProxyCommand=x\n"), StartsWith("hosts:1: '-oProxyCommand=x' is no host"));
  EXPECT_THAT(refused("a;b\n"), StartsWith("hosts:1: 'a;b' is no host name"));
  EXPECT_THAT(refused("a\x1b[2J\n"), StartsWith("hosts:1: 'a\\x1b[2J' is no host name"));
  EXPECT_EQ(refused("# none\n"), "hosts: names no host");
  EXPECT_THAT(refused("a slots=65536\nb\n"), StartsWith("hosts:2: more than 65536 slots"));
}

TEST(Hostfile, RefusesWhatIsNoFile) {
  const TemporaryDirectory directory;
  EXPECT_THAT(refusal([&] { read_hostfile(directory.path() / "none"); }),
              HasSubstr("there is no such hostfile"));
  EXPECT_THAT(refusal([&] { read_hostfile(directory.path()); }), HasSubstr("not a regular file"));
  EXPECT_EQ(read_hostfile(directory.write("h", "a slots=2")), (Hosts{{"a", 2}}));
}

TEST(FirstSlots, FillsHostsInOrder) {
  const Hosts hosts{{"a", 2}, {"b", 2}, {"c", 2}};
  EXPECT_EQ(first_slots(hosts, 3), (Hosts{{"a", 2}, {"b", 1}}));
  EXPECT_EQ(first_slots(hosts, 6), hosts);
  EXPECT_THAT(refusal([&] { first_slots(hosts, 7); }),
              StartsWith("-n 7: the hostfile has 6 slots"));
}

TEST(Hostfile, ComesBackAsItWasPrinted) {
  const Hosts hosts{{"a", 2}, {"b", 1}};
  EXPECT_EQ(parse_hostfile(print_hostfile(hosts), "hosts"), hosts);
}

TEST(ThisMachine, IsKnownByItsNames) {
  EXPECT_TRUE(is_this_machine("localhost"));
  EXPECT_TRUE(is_this_machine("127.0.0.1"));
  EXPECT_FALSE(is_this_machine("no-such-host.example"));
}

}  // namespace
}  // namespace ringtrain::launcher
