// SPDX-License-Identifier: Apache-2.0
#include "tracking/tracker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "net/http_client.hpp"

namespace ringtrain::tracking {
namespace {

using testing::HasSubstr;

TEST(ListenAddress, IsReadWithItsPort) {
  const auto read = [](const std::string& text) {
    const ListenAddress at = parse_listen_address("--metrics", text);
    return at.address + " " + std::to_string(at.port);
  };
  EXPECT_EQ(read("127.0.0.1:9464"), "127.0.0.1 9464");
  EXPECT_EQ(read("localhost:0"), "127.0.0.1 0");
  EXPECT_EQ(read(":9464"), "0.0.0.0 9464");
  EXPECT_EQ(read("[::1]:9464"), "::1 9464");
  for (const char* const text : {"9464", "host.name:1", "127.0.0.1:", "127.0.0.1:65536", "::1:9"}) {
    EXPECT_THROW(read(text), Error) << text;
  }
}

std::string get(uint16_t port, const std::string& path) {
  net::HttpClient client;
  return client.perform({.url = "http://127.0.0.1:" + std::to_string(port) + path}).body;
}

TEST(Tracker, ServesTheFiguresOfItsRun) {
  Tracker tracker({.name = "job", .model = "mlp", .metrics = ListenAddress{"127.0.0.1", 0}}, {});
  EXPECT_THAT(get(tracker.port(), "/metrics"),
              HasSubstr("ringtrain_job_state{job=\"job\",state=\"Starting\"} 1\n"));
  StartedEvent started;
  started.world_size = 3;
  write_all(tracker.events(), print_event(started, 1) + "\n");
  const Deadline deadline(std::chrono::seconds(30));
  while (get(tracker.port(), "/metrics").find("ringtrain_parallelism{job=\"job\"} 3\n") ==
         std::string::npos) {
    ASSERT_FALSE(deadline.passed());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(get(tracker.port(), "/other"), "there is GET /metrics alone\n");
  EXPECT_TRUE(tracker.finish({.status = RunStatus::finished}));
}

TEST(Tracker, SaysThatItsPortIsTaken) {
  Tracker first({.name = "a", .metrics = ListenAddress{"127.0.0.1", 0}}, {});
  try {
    Tracker({.name = "b", .metrics = ListenAddress{"127.0.0.1", first.port()}}, {});
    FAIL() << "it was taken twice";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("Address already in use"));
  }
}

}  // namespace
}  // namespace ringtrain::tracking
