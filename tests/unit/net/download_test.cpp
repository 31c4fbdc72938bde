// SPDX-License-Identifier: Apache-2.0
#include "net/download.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/net/fake_server.hpp"

namespace ringtrain::net {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const FakeServer::Answer kFiles = [](const ReceivedRequest& request) {
  if (request.target == "/file") return Reply{200, {"one ", "two"}, "text/plain", "X: y", true};
  if (request.target == "/moved") return Reply{302, {}, "text/plain", "Location: /file", true};
  if (request.target == "/circle") return Reply{302, {}, "text/plain", "Location: /circle", true};
  return Reply{404, {"no such file"}};
};

TEST(Download, ReturnsTheBodyAndReportsItsProgress) {
  const FakeServer server(kFiles);
  uint64_t done = 0;
  uint64_t total = 0;
  const std::string body =
      download(server.url() + "/file", 7, [&](uint64_t done_now, uint64_t total_now) {
        EXPECT_GT(done_now, done);
        done = done_now;
        total = total_now;
      });
  EXPECT_EQ(body, "one two");
  EXPECT_EQ(done, 7u);
  EXPECT_EQ(total, 7u);
}

TEST(Download, FollowsRedirectsButNotForEver) {
  const FakeServer server(kFiles);
  EXPECT_EQ(download(server.url() + "/moved", 100), "one two");
  EXPECT_THAT([&] { download(server.url() + "/circle", 100); },
              ThrowsError(ErrorKind::data, HasSubstr("redirects")));
}

TEST(Download, RefusesMoreThanItsLimit) {
  const FakeServer server(kFiles);
  EXPECT_THAT([&] { download(server.url() + "/file", 6); },
              ThrowsError(ErrorKind::data, HasSubstr("/file: larger than 6 bytes")));
}

TEST(Download, SaysWhyThereIsNoFile) {
  std::string url;
  {
    const FakeServer server(kFiles);
    url = server.url();
    EXPECT_THAT([&] { download(url + "/none", 100); },
                ThrowsError(ErrorKind::data, HasSubstr("/none: cannot be downloaded: the server "
                                                       "answers 404")));
  }
  EXPECT_THAT(
      [&] { download(url + "/file", 100); },
      ThrowsError(ErrorKind::data, AllOf(HasSubstr("cannot be downloaded"), HasSubstr(url))));
  EXPECT_THAT([&] { download("file:///etc/passwd", 100); }, ThrowsError(ErrorKind::data));
}

}  // namespace
}  // namespace ringtrain::net
