// SPDX-License-Identifier: Apache-2.0
#include "collectives/arena.hpp"

#include <gmock/gmock.h>

#include <cstring>

#include "tests/unit/collectives/forked_members.hpp"

namespace ringtrain::collectives {
namespace {

std::shared_ptr<SharedRegion> region_of_one() {
  auto meeting = std::get<Meeting>(meet({}, {}));
  return std::make_shared<SharedRegion>(std::move(meeting), 0, 1);
}

TEST(Arena, UsesFreedBlocksAgainInAnyOrder) {
  Arena arena(region_of_one());
  std::byte* first = arena.allocate(5000);
  std::byte* second = arena.allocate(1);
  std::byte* third = arena.allocate(4096);
  EXPECT_EQ(second - first, 8192);
  EXPECT_EQ(third - second, 4096);
  std::memset(first, 1, 5000);
  arena.free(first);
  arena.free(third);
  arena.free(second);  // joins its neighbours
  EXPECT_EQ(arena.allocate(3 * 4096 + 1), first);
}

TEST(Arena, HasNoBlockWhereNoRoomIsLeft) {
  const auto region = region_of_one();
  Arena arena(region);
  EXPECT_EQ(arena.allocate(region->arena_bytes() + 1), nullptr);
  EXPECT_EQ(arena.allocate(~size_t{0}), nullptr);
  std::byte* all = arena.allocate(region->arena_bytes());
  EXPECT_NE(all, nullptr);
  EXPECT_EQ(arena.allocate(1), nullptr);
  arena.free(all);
  EXPECT_NE(arena.allocate(1), nullptr);
}

}  // namespace
}  // namespace ringtrain::collectives
