// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "launcher/supervise/host_source.hpp"
#include "launcher/supervise/ssh_host_check.hpp"
#include "tests/throws_error.hpp"

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

TEST(HostCheck, SaysWhatIsWrongInOurWords) {
  EXPECT_EQ(problem_from("ssh: Could not resolve hostname n: Name or service not known\r\n"),
            "its name is not known (DNS)");
  EXPECT_EQ(problem_from("ssh: connect to host n port 22: Connection refused\r\n"),
            "no sshd listens there");
  EXPECT_EQ(problem_from("something\nelse is wrong\n"), "else is wrong");
}

}  // namespace
}  // namespace ringtrain::launcher
