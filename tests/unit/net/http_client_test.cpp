// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/throws_error.hpp"
#include "tests/unit/net/fake_server.hpp"

namespace ringtrain::net {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Reply kept_open(const std::string& body) { return {200, {body}, "text/plain", "X: y", true}; }

HttpFailure failure(const HttpRequest& request) {
  try {
    HttpClient().perform(request);
  } catch (const HttpError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::lost);
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.failure();
  }
  ADD_FAILURE() << "there was an answer";
  return HttpFailure::other;
}

TEST(HttpClient, SendsMethodHeadersAndBody) {
  const FakeServer server([](const ReceivedRequest& request) {
    return kept_open(request.method + " " + request.target + "\n" + request.headers + "\n" +
                     request.body);
  });
  HttpRequest request;
  request.method = "PUT";
  request.url = server.url() + "/a?b=c";
  request.headers = {"Range: bytes=0-99"};
  request.body = "the body";
  const HttpResponse response = HttpClient().perform(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, AllOf(HasSubstr("PUT /a?b=c\n"), HasSubstr("\r\nRange: bytes=0-99"),
                                   HasSubstr("\nthe body"), Not(HasSubstr("100-continue"))));
}

TEST(HttpClient, GivesABodyOfASuccessInPieces) {
  const FakeServer server([](const ReceivedRequest& request) {
    return request.target == "/" ? kept_open("text") : Reply{404, {"no such file"}};
  });
  std::string text;
  HttpClient client;
  HttpRequest request;
  request.url = server.url() + "/";
  const OnData on_data = [&](std::string_view bytes, uint64_t total) {
    text += bytes;
    EXPECT_EQ(total, 4u);
  };
  EXPECT_EQ(client.perform(request, on_data).body, "");
  EXPECT_EQ(text, "text");
  request.url = server.url() + "/none";
  const HttpResponse refused = client.perform(request, on_data);
  EXPECT_EQ(refused.status, 404);
  EXPECT_EQ(refused.body, "no such file");
  EXPECT_EQ(text, "text");
}

TEST(HttpClient, AnExceptionOfACallbackReachesTheCaller) {
  const FakeServer server([](const ReceivedRequest&) { return kept_open("text"); });
  HttpRequest request;
  request.url = server.url();
  EXPECT_THAT(
      [&] {
        HttpClient().perform(request,
                             [](std::string_view, uint64_t) { throw job_error("not wanted"); });
      },
      ThrowsError(ErrorKind::job, HasSubstr("not wanted")));
}

TEST(HttpClient, KeepsConnectionsForTheNextRequest) {
  const FakeServer server(
      [](const ReceivedRequest& request) { return kept_open(std::to_string(request.connection)); });
  HttpClient client;
  HttpRequest request;
  request.url = server.url();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.perform(request).body, "1");
}

TEST(HttpClient, ServesSeveralThreads) {
  const FakeServer server([](const ReceivedRequest& request) { return kept_open(request.target); });
  HttpClient client;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 20; ++i) {
        const std::string target = "/" + std::to_string(thread) + "/" + std::to_string(i);
        HttpRequest request;
        request.url = server.url() + target;
        if (client.perform(request).body == target) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 80);
}

TEST(HttpClient, TellsFailuresApart) {
  const Authority authority("ours");
  const Identity identity = authority.make("server", "IP:127.0.0.1");
  HttpRequest request;
  {
    const FakeServer server(identity, "", [](const ReceivedRequest& received) {
      return received.target == "/gone" ? Reply{0, {}} : kept_open("a long answer");
    });
    request.url = server.url();
    EXPECT_EQ(failure(request), HttpFailure::server_certificate);
    request.tls.authorities = authority.certificate();
    EXPECT_EQ(HttpClient().perform(request).status, 200);
    request.tls.server_name = "another";
    EXPECT_EQ(failure(request), HttpFailure::server_certificate);
    request.tls.server_name.clear();
    request.tls.client_certificate = identity.certificate;
    request.tls.client_key = "no key";
    EXPECT_EQ(failure(request), HttpFailure::client_certificate);
    request.tls.client_certificate.clear();
    request.max_body = 3;
    EXPECT_EQ(failure(request), HttpFailure::too_large);
    request.url = server.url() + "/gone";
    EXPECT_EQ(failure(request), HttpFailure::other);
  }
  EXPECT_EQ(failure(request), HttpFailure::not_connected);
}

TEST(HttpClient, ItsErrorsDoNotShowAQuery) {
  HttpRequest request;
  request.url = "http://127.0.0.1:1/path?signature=secret";
  EXPECT_THAT([&] { HttpClient().perform(request); },
              ThrowsError(ErrorKind::lost,
                          AllOf(HasSubstr("http://127.0.0.1:1/path: "), Not(HasSubstr("secret")))));
}

}  // namespace
}  // namespace ringtrain::net
