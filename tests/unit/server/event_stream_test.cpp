// SPDX-License-Identifier: Apache-2.0
#include "server/api/event_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ringtrain::server {
namespace {

// Connections take the bytes; without one they wait, as with a reader that reads nothing.
TEST(EventStream, SendsAViewerWhatItAskedFor) {
  EventStream events;
  const auto all = events.add({}, "");
  const auto one = events.add({.jobs = {"a"}, .kinds = {"end"}}, "");
  const size_t all_before = all->waiting();
  const size_t one_before = one->waiting();
  events.publish("step", "a", {{"loss", 1}});
  events.publish("end", "b", {{"state", "Failed"}});
  EXPECT_GT(all->waiting(), all_before);
  EXPECT_EQ(one->waiting(), one_before);
  events.publish("end", "a", {{"state", "Failed"}});
  EXPECT_GT(one->waiting(), one_before);
  EXPECT_EQ(events.viewers(), 2u);
}

TEST(EventStream, DropsFiguresForASlowViewerAndStatesNever) {
  EventStream events;
  const auto slow = events.add({}, "");
  for (int i = 0; i < 3000; ++i) events.publish("step", "a", {{"loss", i}});
  const size_t waiting = slow->waiting();
  EXPECT_LT(waiting, net::HttpPush::kMaxWaiting);
  EXPECT_GT(events.dropped(), 0u);
  events.publish("job", "a", {{"state", "Running"}});
  EXPECT_GT(slow->waiting(), waiting);
}

TEST(EventStream, ContinuesAfterTheLastIdOfItsOwn) {
  EventStream events;
  const auto first = events.add({}, "");
  const size_t greeting = first->waiting();
  for (int i = 0; i < 3; ++i) events.publish("job", "a", {{"n", i}});
  // An id of another start of the server, or one that was never given, is a gap.
  EXPECT_GT(events.add({}, "0.1")->waiting(), greeting);
  EXPECT_GT(events.add({}, "nonsense")->waiting(), greeting);
  EXPECT_EQ(events.add({}, "")->waiting(), greeting);
}

TEST(EventStream, HasRoomForSoManyViewers) {
  EventStream events;
  for (size_t i = 0; i < EventStream::kMaxViewers; ++i) EXPECT_TRUE(events.add({}, ""));
  EXPECT_FALSE(events.add({}, ""));
}

}  // namespace
}  // namespace ringtrain::server
