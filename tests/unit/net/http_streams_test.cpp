// SPDX-License-Identifier: Apache-2.0
#include "net/http_streams.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/net/fake_server.hpp"

namespace ringtrain::net {
namespace {

TEST(HttpStreams, ArriveSideBySide) {
  const FakeServer server([](const ReceivedRequest& request) {
    if (request.target == "/refused") return Reply{410, {"too old"}};
    if (request.target == "/gone") return Reply{0, {}};
    return Reply{200, {request.target, " and", " more"}};
  });
  HttpStreams streams;
  std::map<std::string, std::string> texts;
  std::map<std::string, StreamEnd> ends;
  std::vector<HttpStreams::StreamPointer> open;
  for (const std::string target : {"/a", "/b", "/refused", "/gone"}) {
    HttpRequest request;
    request.url = server.url() + target;
    open.push_back(streams.open(
        request, [&, target](std::string_view bytes, uint64_t) { texts[target] += bytes; },
        [&, target](const StreamEnd& end) { ends[target] = end; }));
  }
  while (ends.size() < open.size()) ASSERT_TRUE(streams.wait(std::chrono::seconds(60)));
  EXPECT_EQ(texts["/a"], "/a and more");
  EXPECT_EQ(texts["/b"], "/b and more");
  EXPECT_EQ(ends["/a"].response.status, 200);
  EXPECT_EQ(ends["/refused"].response.status, 410);
  EXPECT_EQ(ends["/refused"].response.body, "too old");
  EXPECT_FALSE(ends["/refused"].error);
  EXPECT_TRUE(ends["/gone"].error);
  EXPECT_EQ(texts.size(), 2u);
}

TEST(HttpStreams, WaitEndsWithoutData) {
  HttpStreams streams;
  EXPECT_FALSE(streams.wait(std::chrono::milliseconds(1)));
}

}  // namespace
}  // namespace ringtrain::net
