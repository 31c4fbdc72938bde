// SPDX-License-Identifier: Apache-2.0
#include "net/http_message.hpp"

#include <gtest/gtest.h>

namespace ringtrain::net {
namespace {

TEST(ReadRequest, TakesARequestApart) {
  const auto request = read_request(
      "PUT /a?b HTTP/1.1\r\nHost: h\r\nX-TWO:  a  \r\nx-two: b\r\nContent-Length: 3\r\n\r\nabcd",
      {});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "PUT");
  EXPECT_EQ(request->target, "/a?b");
  EXPECT_EQ(request->header("host"), "h");
  EXPECT_EQ(request->header("x-two"), "");  // twice: nobody honest sends that
  EXPECT_EQ(request->body, "abc");
}

TEST(ReadRequest, TakesNothingElse) {
  for (const char* const bytes :
       {"", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
        "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    EXPECT_FALSE(read_request(bytes, {})) << bytes;
  }
}

}  // namespace
}  // namespace ringtrain::net
