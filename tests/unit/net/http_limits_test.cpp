// SPDX-License-Identifier: Apache-2.0
// Connections that a server must bound: too many of them, requests without an end, and TLS.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <system_error>
#include <thread>

#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "tests/unit/net/certificate_authority.hpp"

namespace ringtrain::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class RunningServer {
 public:
  explicit RunningServer(const HttpServerOptions& options) : server_(options, answer) {
    thread_ = std::thread([this] { server_.run(); });
  }
  ~RunningServer() {
    server_.stop();
    thread_.join();
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  uint16_t port() const { return server_.port(); }

 private:
  static Answer answer(const ServedRequest& request) {
    return {.body = request.is_secure ? "secure" : "plain", .close = request.target == "/close"};
  }

  HttpServer server_;
  std::thread thread_;
};

FileDescriptor connect_to(uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
          "connect");
  return socket;
}

// Reads until the text ends so, or the server closes.
std::string read_until(const FileDescriptor& socket, const std::string& end) {
  std::string all;
  char buffer[4096];
  while (end.empty() || !all.ends_with(end)) {
    const ssize_t size = ::read(socket.get(), buffer, sizeof buffer);
    if (size <= 0) break;
    all.append(buffer, static_cast<size_t>(size));
  }
  return all;
}

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(HttpLimits, AnswerOneConnectionTooManyWith503) {
  const RunningServer server({.max_of_an_address = 2});
  const FileDescriptor first = connect_to(server.port());
  const FileDescriptor second = connect_to(server.port());
  for (const FileDescriptor* const one : {&first, &second}) {
    write_all(one->get(), kGet);
    EXPECT_THAT(read_until(*one, "plain"), StartsWith("HTTP/1.1 200 "));
  }
  const FileDescriptor third = connect_to(server.port());
  write_all(third.get(), kGet);
  const std::string refusal = read_until(third, "");
  EXPECT_THAT(refusal, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refusal, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(refusal, HasSubstr("too many connections"));
  write_all(first.get(), kGet);
  EXPECT_THAT(read_until(first, "plain"), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpLimits, CountNoConnectionsOfAProxy) {
  const RunningServer server({.max_of_an_address = 1, .proxies = {"127.0.0.1"}});
  const FileDescriptor first = connect_to(server.port());
  const FileDescriptor second = connect_to(server.port());
  for (const FileDescriptor* const one : {&first, &second}) {
    write_all(one->get(), kGet);
    EXPECT_THAT(read_until(*one, "plain"), StartsWith("HTTP/1.1 200 "));
  }
}

TEST(HttpLimits, EndAChunkThatHasNoEnd) {
  const RunningServer server({});
  const FileDescriptor socket = connect_to(server.port());
  write_all(socket.get(), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;");
  const std::string piece(65536, 'x');
  for (int n = 0; n < 4 && write_all(socket.get(), piece) == piece.size(); ++n) {
  }
  EXPECT_THAT(read_until(socket, ""), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpLimits, EndARequestThatDoesNotCome) {
  HttpServerOptions options;
  options.head_timeout = options.body_timeout = std::chrono::seconds(1);
  const RunningServer server(options);
  for (const char* const start :
       {"GET / HTTP/1.1\r\nHost: ", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"}) {
    const FileDescriptor socket = connect_to(server.port());
    write_all(socket.get(), start);
    EXPECT_EQ(read_until(socket, ""), "");
  }
}

TEST(HttpLimits, CloseWhereTheAnswerSaysSo) {
  const RunningServer server({});
  const FileDescriptor socket = connect_to(server.port());
  write_all(socket.get(), "GET /close HTTP/1.1\r\nHost: a\r\n\r\n" + kGet);
  const std::string all = read_until(socket, "");
  EXPECT_THAT(all, HasSubstr("Connection: close"));
  EXPECT_THAT(all, EndsWith("\r\n\r\nplain"));
}

TEST(HttpTls, ServesThoseWhoTrustItsCertificate) {
  const Authority authority("an authority");
  const Identity identity = authority.make("server", "IP:127.0.0.1");
  const RunningServer server({.identity = HttpIdentity{identity.certificate, identity.key}});
  HttpClient client;
  HttpRequest request{.url = fmt::format("https://127.0.0.1:{}/", server.port()),
                      .timeout = std::chrono::milliseconds(20000)};
  request.tls.authorities = authority.certificate();
  EXPECT_EQ(client.perform(request).body, "secure");
  EXPECT_EQ(client.perform(request).body, "secure");
  request.tls.authorities = Authority("another").certificate();
  EXPECT_THROW(client.perform(request), HttpError);
  // A client without TLS gets nothing.
  const FileDescriptor plain = connect_to(server.port());
  write_all(plain.get(), kGet);
  ::shutdown(plain.get(), SHUT_WR);
  EXPECT_THAT(read_until(plain, ""), testing::Not(HasSubstr("200")));
}

TEST(HttpTls, RefusesACertificateThatIsNone) {
  EXPECT_THROW(HttpServer({.identity = HttpIdentity{"no", "certificate"}}, nullptr),
               std::system_error);
}

}  // namespace
}  // namespace ringtrain::net
