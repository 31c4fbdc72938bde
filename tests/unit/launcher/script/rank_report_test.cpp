// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/rank_report.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace ringtrain::launcher {
namespace {

constexpr const char* kTraceback =
    "Traceback (most recent call last):\n"
    "  File \"/work/train.py\", line 88, in <module>\n"
    "ValueError: bad\n";
constexpr const char* kLostPeer =
    "Traceback (most recent call last):\n"
    "  File \"/work/train.py\", line 9, in <module>\n"
    "RuntimeError: Connection closed by peer\n";

std::optional<RankEndedEvent> report(ExitStatus status, const char* text, bool being_ended = false,
                                     bool restart_failures = false) {
  return report_on({status, text, restart_failures, being_ended}, "/work");
}

TEST(TheReportOnARank, IsTheExceptionWithItsLine) {
  const auto ended = report({1, 0}, kTraceback);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->message, "ValueError: bad (train.py:88)");
  EXPECT_EQ(ended->exit_code, 1);
  EXPECT_FALSE(ended->consequence);
  EXPECT_FALSE(ended->again);
  EXPECT_TRUE(report({1, 0}, kTraceback, false, true)->again);
}

TEST(TheReportOnARank, IsTheExitCodeWithTheLastLineOtherwise) {
  EXPECT_EQ(report({3, 0}, "")->message, "exit code 3");
  EXPECT_EQ(report({2, 0}, "usage: x\ntrain.py: error: no --lr\n")->message,
            "exit code 2: train.py: error: no --lr");
  EXPECT_EQ(report({1, 0}, "see the manual\n")->message, "exit code 1: see the manual");
  EXPECT_EQ(report({0, 0}, kTraceback)->message, "");
}

TEST(TheReportOnARank, SaysWhetherAnotherRankMayBeTheCause) {
  const auto ended = report({1, 0}, kLostPeer);
  EXPECT_TRUE(ended->consequence);
  EXPECT_TRUE(ended->again);
}

TEST(TheReportOnARank, IsNoneWhereItWasEnded) {
  EXPECT_FALSE(report({0, SIGTERM}, "", true));
  EXPECT_FALSE(report({1, 0}, kLostPeer, true));
  EXPECT_FALSE(report({128 + SIGTERM, 0}, "", true));
  EXPECT_TRUE(report({1, 0}, kTraceback, true));  // its own exception, which may be the first
}

TEST(TheReportOnARank, NamesTheLineOfACrash) {
  const auto ended = report({0, SIGSEGV},
                            "Fatal Python error: Segmentation fault\n\n"
                            "Current thread 0x1 (most recent call first):\n"
                            "  File \"/work/train.py\", line 4 in f\n");
  EXPECT_EQ(ended->signal, SIGSEGV);
  EXPECT_EQ(ended->message, "at train.py:4 in f");
  EXPECT_TRUE(ended->again);
}

}  // namespace
}  // namespace ringtrain::launcher
