// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mpijob/client/tls_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace ringtrain::mpijob {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

Memory memory(const std::string& text = "") {
  Memory result(BIO_new(BIO_s_mem()), &BIO_free);
  require(text.empty() || BIO_write(result.get(), text.data(), static_cast<int>(text.size())) > 0,
          "BIO_write");
  return result;
}

std::string text_of(const Memory& from) {
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(from.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

Key read_key(const std::string& pem) {
  const Memory from = memory(pem);
  return {PEM_read_bio_PrivateKey(from.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
}

Certificate read_certificate(const std::string& pem) {
  const Memory from = memory(pem);
  return {PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr), &X509_free};
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "X509_add_ext");
  X509_EXTENSION_free(extension);
}

// Signed by `issuer`, or by itself.
Identity make_identity(const std::string& name, const std::string& alternative_name,
                       const Identity* issuer) {
  static std::atomic<long> serial{1};
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate certificate(X509_new(), &X509_free);
  require(key != nullptr && certificate != nullptr, "no memory");
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  Key issuer_key(nullptr, &EVP_PKEY_free);
  Certificate issuer_certificate(nullptr, &X509_free);
  if (issuer != nullptr) {
    issuer_key = read_key(issuer->key);
    issuer_certificate = read_certificate(issuer->certificate);
  }
  X509* const signer = issuer != nullptr ? issuer_certificate.get() : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  add_extension(certificate.get(), signer, NID_basic_constraints,
                issuer != nullptr ? "critical,CA:FALSE" : "critical,CA:TRUE");
  if (!alternative_name.empty()) {
    add_extension(certificate.get(), signer, NID_subject_alt_name, alternative_name);
  }
  require(X509_sign(certificate.get(), issuer != nullptr ? issuer_key.get() : key.get(),
                    EVP_sha256()) > 0,
          "X509_sign");
  const Memory key_text = memory();
  const Memory certificate_text = memory();
  PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(certificate_text.get(), certificate.get());
  return {text_of(key_text), text_of(certificate_text)};
}

bool write_all(SSL* tls, const std::string& text) {
  return text.empty() || SSL_write(tls, text.data(), static_cast<int>(text.size())) > 0;
}

std::size_t content_length(const std::string& headers) {
  const std::string key = "Content-Length: ";
  const auto start = headers.find(key);
  return start == std::string::npos
             ? 0
             : std::strtoul(headers.c_str() + start + key.size(), nullptr, 10);
}

bool read_request(SSL* tls, ReceivedRequest& request) {
  std::string text;
  std::array<char, 4096> buffer;
  std::size_t head = std::string::npos;
  for (;;) {
    head = text.find("\r\n\r\n");
    if (head != std::string::npos &&
        text.size() >= head + 4 + content_length(text.substr(0, head))) {
      break;
    }
    const int size = SSL_read(tls, buffer.data(), static_cast<int>(buffer.size()));
    if (size <= 0) return false;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  const auto first = text.find(' ');
  const auto second = text.find(' ', first + 1);
  request.method = text.substr(0, first);
  request.target = text.substr(first + 1, second - first - 1);
  request.headers = text.substr(0, head);
  request.body = text.substr(head + 4);
  return true;
}

std::string client_name(SSL* tls) {
  const Certificate certificate(SSL_get1_peer_certificate(tls), &X509_free);
  if (!certificate) return "";
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  return name.data();
}

}  // namespace

Authority::Authority(const std::string& name) : identity_(make_identity(name, "", nullptr)) {}

Identity Authority::make(const std::string& name, const std::string& alternative_name) const {
  return make_identity(name, alternative_name, &identity_);
}

TlsServer::TlsServer(const Identity& identity, const std::string& clients, Answer answer)
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
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  require(listener_ >= 0 &&
              ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
              ::listen(listener_, 16) == 0 &&
              ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0,
          "cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

TlsServer::~TlsServer() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

std::string TlsServer::url() const { return fmt::format("https://127.0.0.1:{}", port_); }

void TlsServer::serve() {
  std::vector<std::thread> connections;
  while (!stopping_) {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, 5) <= 0) continue;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    connections.emplace_back([this, connection] { serve_connection(connection); });
  }
  for (std::thread& connection : connections) connection.join();
}

// One request a connection.
void TlsServer::serve_connection(int connection) {
  timeval limit{5, 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context_.get()), &SSL_free);
  SSL_set_fd(tls.get(), connection);
  ReceivedRequest request;
  if (SSL_accept(tls.get()) == 1 && read_request(tls.get(), request)) {
    request.client = client_name(tls.get());
    const Reply reply = answer_(request);
    bool open = reply.status != 0 &&
                write_all(tls.get(), fmt::format("HTTP/1.1 {} Answer\r\nContent-Type: {}\r\n"
                                                 "Connection: close\r\n\r\n",
                                                 reply.status, reply.type));
    for (const std::string& piece : reply.pieces) open = open && write_all(tls.get(), piece);
    if (open) SSL_shutdown(tls.get());
  }
  ::close(connection);
}

}  // namespace ringtrain::mpijob
