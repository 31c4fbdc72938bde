// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/mpirun_messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ringtrain::launcher {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kDashes(74, '-');  // NOLINT(cert-err58-cpp)

TEST(MpirunMessages, KeepsWhatIsSaidAboutAKilledRankAndNamesIt) {
  MpirunMessages messages;
  EXPECT_THAT(messages.feed("a warning of the model"), ElementsAre("a warning of the model"));
  EXPECT_THAT(messages.feed(kDashes), IsEmpty());
  EXPECT_THAT(messages.feed("mpirun noticed that process rank 1 with PID 12 on node n3 exited on "
                            "signal 9 (Killed)."),
              IsEmpty());
  EXPECT_THAT(messages.feed(kDashes), IsEmpty());
  ASSERT_TRUE(messages.lost_rank());
  EXPECT_EQ(describe(*messages.lost_rank()), "rank 1 on n3 was ended by signal 9 (Killed)");
  EXPECT_EQ(messages.lost_rank()->signal, 9);
  EXPECT_EQ(messages.kept().size(), 1U);
}

TEST(MpirunMessages, KnowsTheSentenceOfOpenMpi5) {
  MpirunMessages messages;
  messages.feed(kDashes);
  messages.feed("prterun noticed that process rank 0 with PID 7 on node a.b exited on");
  messages.feed("signal 11 (Segmentation fault).");
  messages.feed(kDashes);
  ASSERT_TRUE(messages.lost_rank());
  EXPECT_EQ(describe(*messages.lost_rank()),
            "rank 0 on a.b was ended by signal 11 (Segmentation fault)");
  EXPECT_EQ(messages.lost_rank()->signal, 11);
}

TEST(MpirunMessages, ShowsEverythingElse) {
  MpirunMessages messages;
  messages.feed(kDashes);
  messages.feed("There are not enough slots available in the system");
  EXPECT_THAT(messages.feed(kDashes),
              ElementsAre("There are not enough slots available in the system"));
  messages.feed(kDashes);
  messages.feed("cut off");
  EXPECT_THAT(messages.finish(), ElementsAre("cut off"));
}

}  // namespace
}  // namespace ringtrain::launcher
