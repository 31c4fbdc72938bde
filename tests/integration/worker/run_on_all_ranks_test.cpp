// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker/run_on_all_ranks.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/integration/mpi_main.hpp"

namespace ringtrain {
namespace {

std::optional<SharedError> error_of(const std::function<void()>& part) {
  try {
    run_on_all_ranks(test_world(), part);
  } catch (const SharedError& error) {
    return error;
  }
  return std::nullopt;
}

TEST(RunOnAllRanks, RunsOnceOnEveryRank) {
  int runs = 0;
  run_on_all_ranks(test_world(), [&] { ++runs; });
  EXPECT_EQ(runs, 1);
}

TEST(RunOnAllRanks, EveryRankKnowsTheErrorOfOne) {
  const int last = test_world().size() - 1;
  const auto error = error_of([&] {
    if (test_world().rank() == last) throw data_error("a damaged file");
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->rank(), last);
  EXPECT_EQ(error->kind(), ErrorKind::data);
  EXPECT_STREQ(error->what(), "a damaged file");
}

TEST(RunOnAllRanks, TheErrorOfTheLowestRankCounts) {
  const auto error = error_of([] { throw job_error(std::to_string(test_world().rank())); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->rank(), 0);
  EXPECT_STREQ(error->what(), "0");
}

TEST(RunOnAllRanks, TakesAnyOtherExceptionForALostRank) {
  const auto error = error_of([] { throw std::runtime_error("out of memory"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::lost);
}

}  // namespace
}  // namespace ringtrain
