// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/net/fake_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace ringtrain::net {
namespace {

// One connection, with TLS or without.
class Connection {
 public:
  Connection(int socket, SSL_CTX* context) : socket_(socket), tls_(nullptr, &SSL_free) {
    if (context == nullptr) return;
    tls_.reset(SSL_new(context));
    SSL_set_fd(tls_.get(), socket);
  }

  bool accept() { return !tls_ || SSL_accept(tls_.get()) == 1; }
  bool write(const std::string& text) {
    if (text.empty()) return true;
    if (tls_) return SSL_write(tls_.get(), text.data(), static_cast<int>(text.size())) > 0;
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  bool read_request(ReceivedRequest& request);
  void close() {
    if (tls_) SSL_shutdown(tls_.get());
  }
  std::string client_name() const;

 private:
  int socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
};

size_t content_length(const std::string& headers) {
  const std::string key = "Content-Length: ";
  const auto start = headers.find(key);
  return start == std::string::npos
             ? 0
             : std::strtoul(headers.c_str() + start + key.size(), nullptr, 10);
}

bool Connection::read_request(ReceivedRequest& request) {
  std::string text;
  std::array<char, 4096> buffer;
  size_t head = std::string::npos;
  for (;;) {
    head = text.find("\r\n\r\n");
    if (head != std::string::npos &&
        text.size() >= head + 4 + content_length(text.substr(0, head))) {
      break;
    }
    const auto size = tls_ ? SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()))
                           : ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    text.append(buffer.data(), static_cast<size_t>(size));
  }
  const auto first = text.find(' ');
  const auto second = text.find(' ', first + 1);
  request.method = text.substr(0, first);
  request.target = text.substr(first + 1, second - first - 1);
  request.headers = text.substr(0, head);
  request.body = text.substr(head + 4);
  return true;
}

std::string Connection::client_name() const {
  if (!tls_) return "";
  const Certificate certificate(SSL_get1_peer_certificate(tls_.get()), &X509_free);
  if (!certificate) return "";
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  return name.data();
}

size_t size_of(const std::vector<std::string>& pieces) {
  size_t size = 0;
  for (const std::string& piece : pieces) size += piece.size();
  return size;
}

}  // namespace

FakeServer::FakeServer(Answer answer)
    : context_(nullptr, &SSL_CTX_free), answer_(std::move(answer)) {
  listen();
}

FakeServer::FakeServer(const Identity& identity, const std::string& clients, Answer answer)
    : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free), answer_(std::move(answer)) {
  ::signal(SIGPIPE, SIG_IGN);
  const Key key = read_key(identity.key);
  const Certificate certificate = read_certificate(identity.certificate);
  require(SSL_CTX_use_certificate(context_.get(), certificate.get()) == 1, "certificate");
  require(SSL_CTX_use_PrivateKey(context_.get(), key.get()) == 1, "key");
  if (!clients.empty()) {
    const Certificate authority = read_certificate(clients);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), authority.get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  }
  listen();
}

void FakeServer::listen() {
  listener_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  require(::bind(listener_.get(), name, sizeof address) == 0 &&
              ::listen(listener_.get(), 16) == 0 &&
              ::getsockname(listener_.get(), name, &size) == 0,
          "cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

FakeServer::~FakeServer() {
  stopping_ = true;
  thread_.join();
}

std::string FakeServer::url() const {
  return fmt::format("{}://127.0.0.1:{}", context_ ? "https" : "http", port_);
}

void FakeServer::serve() {
  std::vector<std::thread> connections;
  while (!stopping_) {
    pollfd ready{listener_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 5) <= 0) continue;
    FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket.get() < 0) continue;
    connections.emplace_back(
        [this, socket = std::move(socket), number = static_cast<int>(connections.size() + 1)] {
          serve_connection(socket, number);
        });
  }
  for (std::thread& connection : connections) connection.join();
}

void FakeServer::serve_connection(const FileDescriptor& socket, int number) {
  timeval limit{5, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  Connection connection(socket.get(), context_.get());
  ReceivedRequest request;
  request.connection = number;
  if (!connection.accept()) return;
  bool open = true;
  while (open && connection.read_request(request)) {
    request.client = connection.client_name();
    const Reply reply = answer_(request);
    if (reply.status == 0) return;
    std::string head = fmt::format("HTTP/1.1 {} Answer\r\nContent-Type: {}\r\n{}\r\n", reply.status,
                                   reply.type, reply.header);
    if (reply.keep_open) head += fmt::format("Content-Length: {}\r\n", size_of(reply.pieces));
    open = connection.write(head + "\r\n");
    for (const std::string& piece : reply.pieces) open = open && connection.write(piece);
    if (open && !reply.keep_open) connection.close();
    open = open && reply.keep_open;
  }
}

}  // namespace ringtrain::net
