// SPDX-License-Identifier: Apache-2.0
#include "net/http_door.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

#include "net/http_client.hpp"
#include "net/http_server.hpp"

namespace ringtrain::net {
namespace {

constexpr const char* kHeader = "Authorization: Bearer T";

TEST(WithHeader, ReplacesWhatARequestSaysItself) {
  EXPECT_EQ(with_header("GET / HTTP/1.1\r\nHost: a\r\nauthorization: x\r\nAUTHORIZATION: y\r\n"
                        "Connection: keep-alive\r\nAuthorizationX: z\r\n\r\n",
                        kHeader),
            "GET / HTTP/1.1\r\nAuthorization: Bearer T\r\nConnection: close\r\nHost: a\r\n"
            "AuthorizationX: z\r\n\r\n");
  EXPECT_EQ(with_header("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", kHeader), "");
  EXPECT_EQ(with_header("\r\n\r\n", kHeader), "");
  EXPECT_EQ(with_header("no line", kHeader), "");
  EXPECT_EQ(with_header("GET /train HTTP/1.1\r\n\r\n", kHeader, "/kubeml"),
            "GET /kubeml/train HTTP/1.1\r\nAuthorization: Bearer T\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(with_header("GET http://a/train HTTP/1.1\r\n\r\n", kHeader, "/kubeml"), "");
}

TEST(HttpDoor, PassesRequestsOnWithTheHeader) {
  HttpServer server({}, [](const ServedRequest& request) {
    return Answer{.body = request.method + " " + std::string(request.header("authorization")) +
                          " " + request.body};
  });
  HttpDoor door({.to_port = server.port(), .header = kHeader});
  std::thread serving([&] { server.run(); });
  std::thread passing([&] { door.run(); });
  HttpClient client;
  const std::string url = fmt::format("http://127.0.0.1:{}/", door.port());
  EXPECT_EQ(client.perform({.url = url}).body, "GET Bearer T ");
  EXPECT_EQ(client
                .perform({.method = "POST",
                          .url = url,
                          .headers = {"Authorization: Bearer wrong"},
                          .body = std::string(100000, 'x')})
                .body,
            "POST Bearer T " + std::string(100000, 'x'));
  server.stop();
  serving.join();
  door.stop();
  passing.join();
}

}  // namespace
}  // namespace ringtrain::net
