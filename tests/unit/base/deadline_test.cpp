// SPDX-License-Identifier: Apache-2.0
#include "base/deadline.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "base/file_descriptor.hpp"

namespace ringtrain {
namespace {

using std::chrono::milliseconds;

TEST(Deadline, CountsDownToNothing) {
  EXPECT_TRUE(Deadline(milliseconds(-1)).passed());
  EXPECT_EQ(Deadline(milliseconds(-1)).left(), milliseconds(0));
  const Deadline later(std::chrono::hours(1));
  EXPECT_FALSE(later.passed());
  EXPECT_GT(later.left(), std::chrono::minutes(59));
  EXPECT_LE(later.left(), std::chrono::hours(1));
}

TEST(PollUntil, ReturnsWhatIsReadyAndGivesUpAtTheDeadline) {
  Pipe pipe = make_pipe();
  std::array<pollfd, 1> events{pollfd{pipe.read_end.get(), POLLIN, 0}};
  EXPECT_FALSE(poll_until(events, Deadline(milliseconds(5))));
  ASSERT_EQ(::write(pipe.write_end.get(), "x", 1), 1);
  EXPECT_TRUE(poll_until(events, Deadline(std::chrono::hours(24 * 365))));
  EXPECT_EQ(events[0].revents, POLLIN);
  EXPECT_TRUE(poll_until(events, Deadline(milliseconds(-1))));  // ready all the same
}

}  // namespace
}  // namespace ringtrain
