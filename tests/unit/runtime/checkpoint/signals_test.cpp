// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/signals.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace ringtrain {
namespace {

// One test: what has been asked for stays so as long as the process lives.
TEST(Signals, AreNotedUntilTheyAreTaken) {
  listen_to_signals();
  EXPECT_FALSE(take_checkpoint_request());
  EXPECT_EQ(stop_request(), 0);
  std::raise(SIGUSR1);
  EXPECT_EQ(stop_request(), 0);
  EXPECT_TRUE(take_checkpoint_request());
  EXPECT_FALSE(take_checkpoint_request());
  std::raise(SIGTERM);
  EXPECT_EQ(stop_request(), SIGTERM);
  EXPECT_FALSE(take_checkpoint_request());
}

}  // namespace
}  // namespace ringtrain
