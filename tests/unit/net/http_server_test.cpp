// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>

#include "net/http_client.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::net {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A server whose paths each try one kind of answer.
class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() : file_(folder_.write("file", std::string(200000, 'f'))) {
    server_.every(std::chrono::milliseconds(1), [this] { tick(); });
    thread_ = std::thread([this] { server_.run(); });
  }
  ~HttpServerTest() override {
    server_.stop();
    thread_.join();
  }

  Answer answer(const ServedRequest& request) {
    if (request.target == "/echo") {
      return {.headers = {{"X-Host", std::string(request.header("host"))}},
              .body = request.method + " " + request.body};
    }
    if (request.target == "/file") {
      FileDescriptor opened(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
      return {.file = ServedFile{std::move(opened), 10, 150000}};
    }
    if (request.target == "/push" || request.target == "/long-push") {
      pieces_ = request.target == "/push" ? 0 : kPieces;
      push_ = std::make_shared<HttpPush>();
      push_->push("first ");
      return {.push = push_};
    }
    if (request.target == "/pending" || request.target == "/done") {
      auto pending = std::make_shared<HttpPending>();
      pending->then = [body = request.body] { return Answer{.body = "after " + body}; };
      if (request.target == "/done") {
        pending->finish();  // before the connection waits
      } else {
        elsewhere_ = std::thread([pending] { pending->finish(); });
      }
      return {.pending = pending};
    }
    throw std::runtime_error("no such path");
  }
  // Counts bodies of /count of any size, and wants nothing of /refuse.
  std::optional<BodyReceiver> receive(const ServedRequest& head) {
    if (head.target == "/refuse") {
      return BodyReceiver{.finish = [] { return Answer{.status = 507}; }, .wants_body = false};
    }
    if (head.target != "/count") return std::nullopt;
    const auto size = std::make_shared<size_t>(0);
    return BodyReceiver{.take =
                            [this, size](std::string_view bytes) {
                              *size += bytes.size();
                              received_ += bytes.size();
                              return bytes.find('!') == std::string_view::npos;
                            },
                        .finish = [size] { return Answer{.body = std::to_string(*size)}; }};
  }
  void tick() {
    if (!push_) return;
    // As much at once as it takes: what the kernel takes at first, and then what waits for it.
    while (pieces_ > 0 && push_->push(piece(pieces_))) --pieces_;
    if (pieces_ > 0) return;
    push_->push("second");
    push_->end();
    push_.reset();
  }
  static std::string piece(int number) { return fmt::format("{:1000}\n", number); }
  HttpResponse get(const std::string& path, const std::string& method = "GET",
                   const std::string& body = "") {
    return client_.perform({.method = method,
                            .url = fmt::format("http://127.0.0.1:{}{}", server_.port(), path),
                            .body = body,
                            .timeout = std::chrono::milliseconds(20000)});
  }
  // Sends bytes as they are, and returns everything that comes until the server closes.
  std::string raw(const std::string& bytes) const {
    const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      return "no connection";
    }
    write_all(socket.get(), bytes);
    ::shutdown(socket.get(), SHUT_WR);
    std::string all;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(socket.get(), buffer, sizeof buffer)) > 0;) {
      all.append(buffer, static_cast<size_t>(size));
    }
    return all;
  }

  static constexpr int kPieces = 12000;

  const TemporaryDirectory folder_;
  const std::filesystem::path file_;
  int pieces_ = 0;  // of a long answer, which are still to be pushed
  std::thread elsewhere_;
  std::shared_ptr<HttpPush> push_;
  std::atomic<size_t> received_ = 0;
  HttpClient client_;
  HttpServer server_{{},
                     [this](const ServedRequest& request) { return answer(request); },
                     [this](const ServedRequest& head) { return receive(head); }};
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersWithBodiesFilesAndWhatComesLater) {
  EXPECT_EQ(get("/echo", "POST", "body").body, "POST body");
  EXPECT_EQ(get("/file").body, std::string(150000, 'f'));
  EXPECT_EQ(get("/push").body, "first second");
  EXPECT_EQ(get("/echo").status, 200);
}

TEST_F(HttpServerTest, KeepsTheOrderOfWhatAConnectionDoesNotTakeAtOnce) {
  std::string expected = "first ";
  for (int number = kPieces; number > 0; --number) expected += piece(number);
  EXPECT_TRUE(get("/long-push").body == expected + "second");
}

TEST_F(HttpServerTest, PassesBodiesOfAnySizeOnAsTheyArrive) {
  EXPECT_EQ(get("/count", "PUT", std::string(5 << 20, 'x')).body, std::to_string(5 << 20));
  EXPECT_EQ(get("/count", "PUT").body, "0");
  EXPECT_THAT(raw("PUT /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET /echo HTTP/1.0\r\nHost: b\r\n\r\n"),
              AllOf(HasSubstr("\r\n\r\n5HTTP/1.0 200 "), EndsWith("GET ")));
  // Others are still read whole, within their limit.
  EXPECT_EQ(get("/echo", "POST", "body").body, "POST body");
  EXPECT_EQ(get("/echo", "POST", std::string(2 << 20, 'x')).status, 413);
}

TEST_F(HttpServerTest, AnswersBeforeABodyThatNobodyWants) {
  EXPECT_THAT(raw("PUT /refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
                  "9999999999\r\n\r\n"),
              StartsWith("HTTP/1.1 507 "));
  EXPECT_THAT(raw("PUT /count HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\nab!"),
              AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("3"), HasSubstr("Connection: close")));
}

TEST_F(HttpServerTest, PassesOnWhatCameBeforeACut) {
  EXPECT_EQ(raw("PUT /count HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabcde"), "");
  EXPECT_EQ(received_, 5u);
}

TEST_F(HttpServerTest, AnswersOnceWorkOnAnotherThreadIsDone) {
  EXPECT_EQ(get("/pending", "POST", "work").body, "after work");
  elsewhere_.join();
  EXPECT_EQ(get("/done", "POST", "nothing").body, "after nothing");
}

TEST_F(HttpServerTest, AnswersWhatItsOwnerThrowsWith500) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(get("/none").status, 500);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("no such path"));
}

TEST_F(HttpServerTest, ServesOneConnectionAgainAndAgain) {
  const std::string one = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string all = raw(one + one + "GET /echo HTTP/1.0\r\nHost: b\r\n\r\n");
  EXPECT_THAT(all, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(all, HasSubstr("X-Host: b"));
  EXPECT_THAT(all, EndsWith("GET "));
}

TEST_F(HttpServerTest, SendsNoBodyToHead) {
  const std::string all = raw("HEAD /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(all, HasSubstr("Content-Length: 5"));
  EXPECT_THAT(all, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, RefusesWhatIsTooLargeOrNoRequest) {
  EXPECT_THAT(raw("GET /echo HTTP/1.1\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(raw("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(raw("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "fffffff\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(raw("\x16\x03\x01 this is TLS\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(raw("GET /echo HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(raw("GET /ec"), "");
  EXPECT_EQ(get("/echo").status, 200);
}

}  // namespace
}  // namespace ringtrain::net
