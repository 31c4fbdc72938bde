// SPDX-License-Identifier: Apache-2.0
// A connection that a server has taken, with TLS or without: one type for both, so that what
// serves it is compiled once. It includes Asio: for net/ alone.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <optional>
#include <utility>

namespace ringtrain::net {

class ServedStream {
 public:
  using executor_type = boost::beast::tcp_stream::executor_type;

  // `tls` is null for plain connections, and outlives this.
  ServedStream(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls)
      : plain_(std::move(socket)) {
    if (tls != nullptr) tls_.emplace(plain_, *tls);
  }

  executor_type get_executor() { return plain_.get_executor(); }
  boost::asio::ip::tcp::socket& socket() { return plain_.socket(); }
  bool is_secure() const { return tls_.has_value(); }

  // Limits all that is under way; the connection is closed then.
  void expires_after(std::chrono::seconds time) { plain_.expires_after(time); }
  void expires_never() { plain_.expires_never(); }
  void cancel() { plain_.cancel(); }

  // Agrees on keys with a client; does nothing without TLS.
  boost::asio::awaitable<boost::system::error_code> handshake() {
    boost::system::error_code status;
    if (tls_) {
      co_await tls_->async_handshake(
          boost::asio::ssl::stream_base::server,
          boost::asio::redirect_error(boost::asio::use_awaitable, status));
    }
    co_return status;
  }

  // Says that nothing more comes.
  boost::asio::awaitable<void> end() {
    boost::system::error_code status;
    if (tls_) {
      co_await tls_->async_shutdown(
          boost::asio::redirect_error(boost::asio::use_awaitable, status));
    } else {
      static_cast<void>(
          plain_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, status));
    }
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    if (tls_) return tls_->async_read_some(buffers, std::forward<Token>(token));
    return plain_.async_read_some(buffers, std::forward<Token>(token));
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    if (tls_) return tls_->async_write_some(buffers, std::forward<Token>(token));
    return plain_.async_write_some(buffers, std::forward<Token>(token));
  }

 private:
  boost::beast::tcp_stream plain_;
  std::optional<boost::asio::ssl::stream<boost::beast::tcp_stream&>> tls_;
};

}  // namespace ringtrain::net
