// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/finish_request.hpp"

#include <gtest/gtest.h>

#include "job/outcome_file.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

TEST(FinishRequest, IsLookedForAFewTimesASecond) {
  const TemporaryDirectory folder;
  FinishRequest request(folder.path());
  const auto start = FinishRequest::Clock::now();
  EXPECT_FALSE(request.is_there(start));
  ask_to_finish(folder.path());
  EXPECT_FALSE(request.is_there(start + std::chrono::milliseconds(100)));
  EXPECT_TRUE(request.is_there(start + std::chrono::milliseconds(300)));
  forget_finish_request(folder.path());
  EXPECT_FALSE(is_asked_to_finish(folder.path()));
}

}  // namespace
}  // namespace ringtrain
