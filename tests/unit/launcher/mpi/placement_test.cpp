// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/process/process.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {
namespace {

using testing::ElementsAre;

TEST(Placement, WithoutAHostfileIsThisMachine) {
  const RankLayout layout = lay_out_ranks("", 0);
  EXPECT_THAT(layout.hosts, ElementsAre(Host{"localhost", 1}));
  EXPECT_TRUE(layout.local);
  EXPECT_GE(layout.threads_per_rank(), 1);
  EXPECT_EQ(lay_out_ranks("", 3).ranks(), 3);
}

TEST(Placement, FillsAHostfileOrItsFirstSlots) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("hosts", "far1 slots=2\nfar2 slots=2\n").string();
  EXPECT_EQ(lay_out_ranks(file, 0).ranks(), 4);
  const RankLayout layout = lay_out_ranks(file, 3);
  EXPECT_THAT(layout.hosts, ElementsAre(Host{"far1", 2}, Host{"far2", 1}));
  EXPECT_FALSE(layout.local);
  EXPECT_EQ(layout.threads_per_rank(), 0);
  EXPECT_THAT([&] { lay_out_ranks(file, 5); }, ThrowsError(ErrorKind::job));
}

TEST(TemporaryHostfile, IsReadByProgramsThatWeStart) {
  const TemporaryHostfile hostfile({{"a", 2}, {"b", 1}});
  EXPECT_EQ(capture({"cat", hostfile.path()}, std::chrono::seconds(30)).standard_output,
            "a slots=2\nb slots=1\n");
}

TEST(CrowdingNote, NamesRanksAndCoresWhereThereAreTooFew) {
  EXPECT_EQ(crowding_note(8, {.threads = 4, .cores = 2, .quota = {}}),
            "note: 8 ranks on 2 cores take turns: -n 2 is likely faster");
  EXPECT_EQ(crowding_note(2, {.threads = 4, .cores = 4, .quota = 1}),
            "note: 2 ranks on 1 core take turns: -n 1 is likely faster");
  EXPECT_EQ(crowding_note(2, {.threads = 4, .cores = 2, .quota = {}}), "");
}

}  // namespace
}  // namespace ringtrain::launcher
