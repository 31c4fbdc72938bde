// SPDX-License-Identifier: Apache-2.0
#include "net/http_message.hpp"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <cctype>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace ringtrain::net {

namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr size_t kPiece = 65536;  // that Beast reads at once

std::string_view std_view(beast::string_view text) { return {text.data(), text.size()}; }

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

}  // namespace

std::string_view ServedRequest::header(std::string_view name) const {
  std::string_view found;
  int count = 0;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    found = value;
    ++count;
  }
  return count == 1 ? found : std::string_view();
}

void set_limits(RequestParser& parser, const HttpServerOptions& options) {
  parser.header_limit(static_cast<uint32_t>(options.max_head));
  parser.body_limit(options.max_body);
}

size_t most_buffered(const HttpServerOptions& options) { return options.max_head + 2 * kPiece; }

std::optional<ServedRequest> read_request(std::string_view bytes,
                                          const HttpServerOptions& options) {
  RequestParser parser;
  set_limits(parser, options);
  parser.eager(true);
  boost::system::error_code status;
  while (!status && !parser.is_done() && !bytes.empty()) {
    const size_t taken = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), status);
    if (taken == 0) break;
    bytes.remove_prefix(taken);
  }
  if (status || !parser.is_done()) return std::nullopt;
  return served_request(parser.release(), "127.0.0.1", false);
}

ServedRequest served_request(http::request<http::string_body> message, const std::string& peer,
                             bool is_secure) {
  ServedRequest request{.method = std::string(message.method_string()),
                        .target = std::string(message.target()),
                        .body = std::move(message.body()),
                        .peer = peer,
                        .is_secure = is_secure};
  for (const auto& field : message) {
    request.headers.emplace_back(lower_case(std_view(field.name_string())),
                                 std::string(field.value()));
  }
  return request;
}

ServedRequest served_head(const RequestParser& parser, const std::string& peer, bool is_secure) {
  return served_request(parser.get(), peer, is_secure);
}

Answer plain_refusal(int status, const std::string& detail) {
  Answer answer{
      .status = status,
      .headers = {{"Content-Type", "application/problem+json"},
                  {"X-Content-Type-Options", "nosniff"}},
      .body = fmt::format(
          R"({{"type":"about:blank","title":"{}","status":{},"detail":"{}"}})"
          "\n",
          std_view(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)))),
          status, detail),
      .close = true};
  if (status == 503) answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

std::optional<Answer> refusal_of(boost::system::error_code status,
                                 const HttpServerOptions& options) {
  const auto refuse = [&](int code, const std::string& detail) {
    return options.refuse ? options.refuse(code, detail) : plain_refusal(code, detail);
  };
  if (status == http::error::header_limit) {
    return refuse(431, fmt::format("the head of the request is larger than {}",
                                   print_size(options.max_head)));
  }
  if (status == http::error::body_limit) {
    return refuse(413, fmt::format("the body of the request is larger than {}",
                                   print_size(options.max_body)));
  }
  if (status == http::error::buffer_overflow) {
    return refuse(413, "a chunk of the request has no end");
  }
  const bool is_http =
      status.category() == http::make_error_code(http::error::bad_method).category();
  if (is_http && status != http::error::end_of_stream && status != http::error::partial_message) {
    return refuse(400, "this is no HTTP/1.1 request");
  }
  return std::nullopt;
}

}  // namespace ringtrain::net
