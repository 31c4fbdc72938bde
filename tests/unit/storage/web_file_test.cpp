// SPDX-License-Identifier: Apache-2.0
#include "storage/web_file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/throws_error.hpp"
#include "tests/unit/net/fake_server.hpp"
#include "tests/unit/storage/fake_s3.hpp"

namespace ringtrain::storage {
namespace {

using net::FakeServer;
using net::ReceivedRequest;
using net::Reply;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kBytes = "0123456789";

// Serves kBytes, by HEAD and by ranges.
Reply serve(const ReceivedRequest& request) {
  if (request.method == "HEAD") {
    return {200, {}, "x", "Connection: close\r\nETag: \"1\"\r\nContent-Length: 10"};
  }
  const std::string range = header_in(request, "range");
  const size_t first = std::strtoull(range.c_str() + 6, nullptr, 10);
  const size_t last = std::strtoull(range.c_str() + range.find('-') + 1, nullptr, 10);
  return {206,
          {kBytes.substr(first, last - first + 1)},
          "x",
          fmt::format("Connection: close\r\nETag: \"1\"\r\nContent-Range: bytes {}-{}/10", first,
                      last)};
}

std::string read(const std::string& url) {
  const auto source = open_web_file(url, {.retries = kFast});
  std::string bytes(source->size(), '\0');
  source->read_at(bytes.data(), bytes.size(), 0);
  return bytes;
}

auto Refuses(const char* text) { return ThrowsError(ErrorKind::data, HasSubstr(text)); }

TEST(WebFile, IsReadByRanges) {
  const FakeServer server(serve);
  EXPECT_EQ(read(server.url() + "/file"), kBytes);
}

TEST(WebFile, AUrlThatIsSignedForGetWillDo) {
  const FakeServer server([](const ReceivedRequest& request) {
    return request.method == "HEAD" ? Reply{403, {}} : serve(request);
  });
  const auto source = open_web_file(server.url() + "/file?X-Amz-Signature=s", {.retries = kFast});
  EXPECT_EQ(source->size(), 10u);
  EXPECT_THAT(source->name(), AllOf(HasSubstr("/file"), Not(HasSubstr("Signature"))));
}

TEST(WebFile, RedirectsAreFollowedOnTheSameHostAlone) {
  std::string to = "/there";
  const FakeServer server([&](const ReceivedRequest& request) {
    if (request.target == "/there") return serve(request);
    return Reply{302, {}, "x", "Connection: close\r\nLocation: " + to};
  });
  EXPECT_EQ(read(server.url() + "/here"), kBytes);
  for (const char* elsewhere : {"http://169.254.169.254/latest", "//other/there",
                                "https://127.0.0.1/there", "http://other/?secret=1"}) {
    to = elsewhere;
    EXPECT_THAT([&] { read(server.url() + "/here"); }, Refuses("the server sends us on to"))
        << elsewhere;
  }
  to = "/here";
  EXPECT_THAT([&] { read(server.url() + "/here"); }, Refuses("the server answers 302"));
}

TEST(WebFile, AServerWithoutRangesIsRefused) {
  const FakeServer server([](const ReceivedRequest& request) {
    return request.method == "HEAD" ? serve(request) : Reply{200, {kBytes}};
  });
  EXPECT_THAT([&] { read(server.url() + "/file"); }, Refuses("download it, and name the file"));
}

TEST(WebFile, ALongAnswerInPlaceOfAPartIsNotKept) {
  const FakeServer server([](const ReceivedRequest& request) {
    return request.method == "HEAD" ? serve(request) : Reply{200, {std::string(1 << 20, 'x')}};
  });
  EXPECT_THAT([&] { read(server.url() + "/file"); }, Refuses("the whole file"));
}

TEST(WebFile, AnswersWithoutASizeOrWithARefusalAreNamed) {
  Reply reply;
  const FakeServer server([&](const ReceivedRequest&) { return reply; });
  const auto says = [&](const Reply& next, const char* text) {
    reply = next;
    EXPECT_THAT([&] { read(server.url() + "/file?signature=secret"); },
                ThrowsError(ErrorKind::data, AllOf(HasSubstr(text), Not(HasSubstr("secret")))));
  };
  says({404, {}}, "there is no such file");
  says({403, {}}, "has its own expired?");
  says({200, {}}, "gives no size");
}

TEST(WebFile, PrivateAddressesAreRefusedWhereOnlyPublicOnesAreAllowed) {
  const FakeServer server(serve);
  EXPECT_THAT(
      [&] {
        open_web_file(server.url() + "/file", {true, kFast});
      },
      Refuses("127.0.0.1 is not an address of the public internet"));
}

}  // namespace
}  // namespace ringtrain::storage
