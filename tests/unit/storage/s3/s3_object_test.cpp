// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_object.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/throws_error.hpp"
#include "tests/unit/storage/fake_s3.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::storage {
namespace {

using net::ReceivedRequest;
using net::Reply;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Bytes that differ from place to place.
std::string pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

std::string read(const Source& source, uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  source.read_at(bytes.data(), size, offset);
  return bytes;
}

TEST(S3Object, IsReadByRanges) {
  FakeS3 server;
  const std::string bytes = pattern(1000);
  server.put("/bucket/a%20b%3Dc", bytes);
  S3Client client(server.settings(), kFast);
  const auto source = open_s3(client, {"bucket", "a b=c"});
  EXPECT_EQ(source->name(), "s3://bucket/a b=c");
  EXPECT_EQ(source->size(), 1000u);
  EXPECT_EQ(read(*source, 0, 1000), bytes);
  EXPECT_EQ(read(*source, 990, 10), bytes.substr(990));
  EXPECT_EQ(read(*source, 500, 0), "");
  EXPECT_THAT([&] { read(*source, 995, 10); }, ThrowsError(ErrorKind::data, HasSubstr("has 1000")));
}

TEST(S3Object, ThatIsNotThereIsNamed) {
  FakeS3 server;
  S3Client client(server.settings(), kFast);
  EXPECT_EQ(find_s3(client, {"bucket", "none"}), nullptr);
  EXPECT_THAT(
      [&] {
        open_s3(client, {"bucket", "none"});
      },
      ThrowsError(ErrorKind::data, HasSubstr("s3://bucket/none: there is no such object")));
  EXPECT_THAT(
      [&] {
        open_s3(client, {"bucket", ""});
      },
      ThrowsError(ErrorKind::job, HasSubstr("names a bucket")));
}

TEST(S3Object, ThatChangedIsAnError) {
  FakeS3 server;
  server.put("/bucket/key", pattern(100));
  S3Client client(server.settings(), kFast);
  const auto source = open_s3(client, {"bucket", "key"});
  server.put("/bucket/key", pattern(100));
  EXPECT_THAT([&] { read(*source, 0, 10); },
              ThrowsError(ErrorKind::data, HasSubstr("s3://bucket/key: has changed")));
}

TEST(S3Object, AServerThatIgnoresTheVersionIsNoticed) {
  FakeS3 server([](const ReceivedRequest& request) -> std::optional<Reply> {
    if (request.method != "GET") return std::nullopt;
    return Reply{206,
                 {"0123456789"},
                 "x",
                 "Connection: close\r\nETag: \"other\"\r\nContent-Range: bytes 0-9/100"};
  });
  server.put("/bucket/key", pattern(100));
  S3Client client(server.settings(), kFast);
  const auto source = open_s3(client, {"bucket", "key"});
  EXPECT_THAT([&] { read(*source, 0, 10); },
              ThrowsError(ErrorKind::data, HasSubstr("has changed")));
}

TEST(S3Object, OtherBytesThanAskedForAreAnError) {
  std::string answer;
  int status = 206;
  FakeS3 server([&](const ReceivedRequest& request) -> std::optional<Reply> {
    if (request.method != "GET") return std::nullopt;
    return Reply{status, {"0123456789"}, "x", "Connection: close\r\n" + answer};
  });
  server.put("/bucket/key", pattern(100));
  S3Client client(server.settings(), kFast);
  const auto source = open_s3(client, {"bucket", "key"});
  answer = "Content-Range: bytes 10-19/100";
  EXPECT_THAT([&] { read(*source, 0, 10); },
              ThrowsError(ErrorKind::data, HasSubstr("bytes 0-9 of 100 were asked for")));
  answer = "Content-Range: bytes 0-4/100";
  EXPECT_THAT([&] { read(*source, 0, 5); },
              ThrowsError(ErrorKind::data, HasSubstr("sends more than was asked for")));
  status = 200;
  EXPECT_THAT([&] { read(*source, 0, 10); },
              ThrowsError(ErrorKind::data, HasSubstr("the whole file")));
}

TEST(S3Object, RequestsAreRepeatedWhereTheServerIsBusy) {
  std::atomic<int> asked = 0;
  FakeS3 server([&](const ReceivedRequest&) -> std::optional<Reply> {
    ++asked;
    if (asked % 3 == 1) return Reply{503, {"<Error><Code>SlowDown</Code></Error>"}};
    if (asked % 3 == 2) return Reply{0, {}};  // the connection breaks
    return std::nullopt;
  });
  server.put("/bucket/key", pattern(100));
  S3Client client(server.settings(), kFast);
  EXPECT_EQ(read(*open_s3(client, {"bucket", "key"}), 0, 100), pattern(100));
  EXPECT_EQ(asked, 6);
}

TEST(S3Object, AServerThatStaysBusyIsGivenUp) {
  FakeS3 server([](const ReceivedRequest&) {
    return Reply{503, {"<Error><Code>SlowDown</Code><Message>Later.</Message></Error>"}};
  });
  S3Client client(server.settings(), kFast);
  EXPECT_THAT(
      [&] {
        list_s3(client, {"bucket", ""});
      },
      ThrowsError(ErrorKind::data, HasSubstr("503 SlowDown: Later")));
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST(S3Object, ARangeIsResumedWhereTheConnectionBroke) {
  const std::string bytes = pattern(1000);
  std::atomic<int> gets = 0;
  FakeS3 server([&](const ReceivedRequest& request) -> std::optional<Reply> {
    if (request.method != "GET" || ++gets > 2) return std::nullopt;
    const size_t first = std::strtoull(header_in(request, "range").c_str() + 6, nullptr, 10);
    return Reply{206,
                 {bytes.substr(first, 100)},  // of many more
                 "x",
                 fmt::format("Connection: close\r\nContent-Length: {}\r\nETag: \"v1\"\r\n"
                             "Content-Range: bytes {}-999/1000",
                             1000 - first, first)};
  });
  server.put("/bucket/key", bytes);
  S3Client client(server.settings(), kFast);
  EXPECT_EQ(read(*open_s3(client, {"bucket", "key"}), 0, 1000), bytes);
  EXPECT_EQ(gets, 3);
}

TEST(S3Object, IsWrittenInOneRequestOrInParts) {
  FakeS3 server;
  const TemporaryDirectory folder;
  S3Client client(server.settings(), kFast);
  write_s3(client, "small", {"bucket", "a/small"});
  const std::string bytes = pattern(1050);
  uint64_t last = 0;
  upload_s3(client, *open_file(folder.write("file", bytes)), {"bucket", "large"},
            {.part_bytes = 100, .in_flight = 3}, [&](uint64_t done, uint64_t total) {
              EXPECT_GT(done, last);
              EXPECT_EQ(total, 1050u);
              last = done;
            });
  EXPECT_EQ(last, 1050u);
  EXPECT_EQ(server.objects()["/bucket/a/small"], "small");
  EXPECT_EQ(server.objects()["/bucket/large"], bytes);
  EXPECT_EQ(server.open_uploads(), 0u);
  upload_s3(client, *open_file(folder.write("empty", "")), {"bucket", "empty"});
  EXPECT_EQ(server.objects().at("/bucket/empty"), "");
}

TEST(S3Object, AnUploadThatFailsLeavesNothing) {
  FakeS3 server([](const ReceivedRequest& request) -> std::optional<Reply> {
    if (request.target.find("partNumber=3") == std::string::npos) return std::nullopt;
    return Reply{403, {"<Error><Code>AccessDenied</Code><Message>No.</Message></Error>"}};
  });
  const TemporaryDirectory folder;
  S3Client client(server.settings(), kFast);
  const auto source = open_file(folder.write("file", pattern(1000)));
  EXPECT_THAT(
      [&] {
        upload_s3(client, *source, {"bucket", "key"}, {100, 2});
      },
      ThrowsError(ErrorKind::data,
                  AllOf(HasSubstr("s3://bucket/key: the server answers 403 AccessDenied"),
                        HasSubstr("keys of AWS_ACCESS_KEY_ID"))));
  EXPECT_TRUE(server.objects().empty());
  EXPECT_EQ(server.open_uploads(), 0u);
}

TEST(S3Object, ASuccessThatHoldsAnErrorIsNone) {
  FakeS3 server([](const ReceivedRequest& request) -> std::optional<Reply> {
    if (request.method != "POST" || request.target.find("uploadId") == std::string::npos) {
      return std::nullopt;
    }
    return Reply{200, {"<Error><Code>InternalError</Code><Message>Oh.</Message></Error>"}};
  });
  const TemporaryDirectory folder;
  S3Client client(server.settings(), kFast);
  const auto source = open_file(folder.write("file", pattern(300)));
  EXPECT_THAT(
      [&] {
        upload_s3(client, *source, {"bucket", "key"}, {100, 2});
      },
      ThrowsError(ErrorKind::data, HasSubstr("InternalError")));
  EXPECT_TRUE(server.objects().empty());
}

TEST(S3Object, AreListedOverSeveralPages) {
  FakeS3 server;
  for (const char* path : {"/bucket/a", "/bucket/run/1", "/bucket/run/2", "/bucket/run/a%26b",
                           "/bucket/run/z", "/bucket/s"}) {
    server.put(path, "x");
  }
  S3Client client(server.settings(), kFast);
  std::vector<std::string> keys;
  for (const ListedObject& object : list_s3(client, {"bucket", "run/"})) keys.push_back(object.key);
  EXPECT_THAT(keys, ElementsAre("run/1", "run/2", "run/a&b", "run/z"));
  remove_s3(client, {"bucket", "run/1"});
  EXPECT_FALSE(server.objects().contains("/bucket/run/1"));
}

// A server whose clock is 20 minutes ahead, and refuses what is signed by another.
TEST(S3Object, TheClockOfTheServerCounts) {
  const auto ahead = std::chrono::minutes(20);
  FakeS3 server([&](const ReceivedRequest& request) -> std::optional<Reply> {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + ahead);
    const std::string sent = header_in(request, "x-amz-date");
    // To a quarter of an hour, by the text: the hour and the minute.
    const std::string expected = fmt::format("{:%Y%m%dT%H%M}", fmt::gmtime(now));
    const std::string before = fmt::format("{:%Y%m%dT%H%M}", fmt::gmtime(now - 60));
    if (sent.starts_with(expected) || sent.starts_with(before)) return std::nullopt;
    return Reply{
        403,
        {"<Error><Code>RequestTimeTooSkewed</Code></Error>"},
        "x",
        fmt::format("Connection: close\r\nDate: {:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(now))};
  });
  server.put("/bucket/key", "bytes");
  S3Client client(server.settings(), kFast);
  EXPECT_EQ(read(*open_s3(client, {"bucket", "key"}), 0, 5), "bytes");
  EXPECT_EQ(server.requests().size(), 3u);  // only the first was refused
}

TEST(S3Object, ARefusalSaysWhatToDo) {
  Reply reply;
  FakeS3 server([&](const ReceivedRequest&) { return reply; });
  S3Settings settings = server.settings();
  const auto says = [&](const Reply& next, const char* text) {
    reply = next;
    S3Client client(settings, kFast);
    EXPECT_THAT(
        [&] {
          list_s3(client, {"bucket", "a"});
        },
        ThrowsError(ErrorKind::data, HasSubstr(text)));
  };
  says({301,
        {"<Error><Code>PermanentRedirect</Code></Error>"},
        "x",
        "Connection: close\r\nx-amz-bucket-region: eu-west-3"},
       "set AWS_REGION=eu-west-3");
  says(
      {400, {"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"}},
      "set AWS_REGION=eu-west-1");
  says({400, {""}}, ("400: is the bucket in " + settings.region + "? AWS_REGION").c_str());
  says({404, {"<Error><Code>NoSuchBucket</Code></Error>"}}, "correct the bucket's name");
  says({403, {"<Error><Code>X</Code><Message>a\nb\x1b[2J</Message></Error>"}}, "a\\x0ab\\x1b[2J");
  settings.keys.reset();
  settings.keys_from = "";
  says({403, {"<Error><Code>AccessDenied</Code></Error>"}}, "no keys were found");
}

}  // namespace
}  // namespace ringtrain::storage
