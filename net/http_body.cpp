// SPDX-License-Identifier: Apache-2.0
#include "net/http_body.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <string>
#include <utility>

namespace ringtrain::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr size_t kPiece = size_t{128} << 10;

}  // namespace

asio::awaitable<void> invite_body(ServedStream& stream, const RequestParser& head,
                                  boost::system::error_code& status) {
  if (head.get()[http::field::expect] != "100-continue") co_return;
  static const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  co_await asio::async_write(stream, asio::buffer(kContinue),
                             asio::redirect_error(asio::use_awaitable, status));
}

asio::awaitable<BodyEnd> receive_body(ServedStream& stream, boost::beast::flat_buffer& buffer,
                                      RequestParser& head, BodyReceiver& receiver,
                                      std::chrono::seconds timeout) {
  if (!receiver.wants_body) co_return BodyEnd::unwanted;
  if (head.is_done()) co_return BodyEnd::whole;
  boost::system::error_code status;
  co_await invite_body(stream, head, status);
  if (status) co_return BodyEnd::broken;
  http::request_parser<http::buffer_body> parser(std::move(head));
  parser.body_limit(kAnySize);
  std::string piece(kPiece, '\0');
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = piece.data();
    body.size = piece.size();
    stream.expires_after(timeout);
    co_await http::async_read_some(stream, buffer, parser,
                                   asio::redirect_error(asio::use_awaitable, status));
    if (status == http::error::need_buffer) status = {};
    const size_t size = piece.size() - parser.get().body().size;
    if (size > 0 && !receiver.take({piece.data(), size})) co_return BodyEnd::unwanted;
    if (status) co_return BodyEnd::broken;
  }
  co_return BodyEnd::whole;
}

}  // namespace ringtrain::net
