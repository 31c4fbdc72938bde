// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/ssh_host_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/deadline.hpp"
#include "tests/unit/launcher/fake_ssh.hpp"

namespace ringtrain::launcher {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::map<std::string, std::string> problems_of(const std::vector<Host>& hosts) {
  SshHostCheck check(hosts);
  const Deadline deadline(std::chrono::seconds(30));
  while (!check.done() && !deadline.passed()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_FALSE(deadline.passed());
  return check.problems();
}

TEST(SshHostCheck, SaysWhatIsWrongInOurWords) {
  EXPECT_EQ(problem_from("ssh: Could not resolve hostname n: Name or service not known\r\n"),
            "its name is not known (DNS)");
  EXPECT_EQ(problem_from("ssh: connect to host n port 22: Connection refused\r\n"),
            "no sshd listens there");
  EXPECT_EQ(problem_from("something\nelse is wrong\n"), "else is wrong");
}

TEST(SshHostCheck, AsksEveryHostButThisOne) {
  const FakeSsh ssh(
      "case \"$*\" in\n"
      "*' good true') exit 0;;\n"
      "*' shut true') echo 'connect to host shut port 22: Connection refused' >&2; exit 255;;\n"
      "esac\nexit 1");
  EXPECT_THAT(problems_of({{"good", 1}, {"shut", 1}, {"odd", 1}, {"localhost", 1}}),
              ElementsAre(Pair("good", ""), Pair("localhost", ""),
                          Pair("odd", "ssh to it fails without a message"),
                          Pair("shut", "no sshd listens there")));
}

TEST(SshHostCheck, EndsItsQuestionsWithItself) {
  const FakeSsh ssh("exec sleep 1000");
  const auto start = std::chrono::steady_clock::now();
  { SshHostCheck check({{"a", 1}, {"b", 1}}); }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
}

}  // namespace
}  // namespace ringtrain::launcher
