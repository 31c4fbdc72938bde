// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/host_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(DiscoveredHosts, HaveTheSlotsThatAreKnownOfThem) {
  const std::vector<Host> known = {{"a", 4}, {"b", 2}};
  EXPECT_THAT(parse_discovered("b\nc\nd:3\n\ne slots=5\n", "x", known),
              ElementsAre(Host{"b", 2}, Host{"c", 4}, Host{"d", 3}, Host{"e", 5}));
  EXPECT_THAT(parse_discovered("a\n", "x", {}), ElementsAre(Host{"a", 1}));
}

TEST(DiscoveredHosts, MayBeNoneYetButNotNonsense) {
  EXPECT_THAT(parse_discovered("", "x", {}), IsEmpty());
  EXPECT_THAT(parse_discovered("\n # none\n", "x", {}), IsEmpty());
  EXPECT_THAT([&] { parse_discovered("a:many\n", "x", {}); }, ThrowsError(ErrorKind::job));
  EXPECT_THAT([&] { parse_discovered("-oProxyCommand=x\n", "x", {}); },
              ThrowsError(ErrorKind::job));
}

TEST(HostSource, KeepsItsHostsWhileTheirListCannotBeRead) {
  bool broken = false;
  HostSource source([&broken]() -> std::vector<Host> {
    if (broken) throw job_error("no list");
    return {{"a", 1}};
  });
  EXPECT_TRUE(source.can_change());
  broken = true;
  source.look();
  EXPECT_THAT(source.hosts(), ElementsAre(Host{"a", 1}));
  EXPECT_EQ(source.complaint(), "no list");
  source.look();
  EXPECT_EQ(source.complaint(), "");  // once
  broken = false;
  source.look();
  broken = true;
  source.look();
  EXPECT_EQ(source.complaint(), "no list");
}

TEST(HostSource, RunsADiscoveryScriptBesideTheHostfile) {
  const TemporaryDirectory directory;
  const auto hostfile = directory.write("hosts", "a slots=2\nb slots=2\n");
  const auto script = directory.write("discover_hosts.sh", "#!/bin/sh\necho b\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  HostSource source(hostfile.string(), "");
  EXPECT_THAT(source.hosts(), ElementsAre(Host{"b", 2}));
  directory.write("discover_hosts.sh", "#!/bin/sh\necho no >&2; exit 3\n");
  source.look();
  EXPECT_THAT(source.complaint(), testing::HasSubstr("ends with exit code 3: no"));
}

TEST(HostSource, WithoutAHostfileIsThisMachine) {
  HostSource source("", "");
  EXPECT_TRUE(source.is_this_machine());
  EXPECT_FALSE(source.can_change());
  source.look();
  EXPECT_THAT(source.hosts(), ElementsAre(Host{"localhost", 1}));
}

}  // namespace
}  // namespace ringtrain::launcher
