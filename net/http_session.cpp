// SPDX-License-Identifier: Apache-2.0
#include "net/http_session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <exception>

#include "base/log.hpp"
#include "net/http_body.hpp"
#include "net/http_message.hpp"
#include "net/served_stream.hpp"
#include "net/too_many.hpp"

namespace ringtrain::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Status = boost::system::error_code;

namespace {

constexpr size_t kFilePiece = 65536;
// A reader that takes nothing for so long is gone.
constexpr std::chrono::seconds kWriteTimeout(30);
// Limits of what is still read from a connection that is over.
constexpr std::chrono::seconds kLinger(2);
constexpr size_t kMostDrained = size_t{2} << 20;

}  // namespace

// One connection.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(tcp::socket socket, Serving& serving, std::string peer)
      : stream_(std::move(socket), serving.tls),
        serving_(serving),
        options_(serving.options),
        peer_(std::move(peer)),
        buffer_(most_buffered(serving.options)),
        ready_(stream_.get_executor()) {
    ++serving_.open.all;
    ++serving_.open.of_address[peer_];
    Status ignored;
    static_cast<void>(stream_.socket().set_option(tcp::no_delay(true), ignored));
  }
  ~HttpSession() {
    --serving_.open.all;
    if (--serving_.open.of_address[peer_] == 0) serving_.open.of_address.erase(peer_);
  }
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  // `self` keeps it alive.
  static asio::awaitable<void> run(std::shared_ptr<HttpSession> self) {
    self->stream_.expires_after(self->options_.head_timeout);
    if (co_await self->stream_.handshake()) co_return;
    for (bool again = true; again;) again = co_await self->serve_one();
    if (self->is_watched_) co_return;
    // The kernel would cut the answer off if bytes were left unread, as of a body that is refused.
    self->stream_.expires_after(kLinger);
    co_await self->stream_.end();
    Status status;
    for (size_t left = kMostDrained; left > 0 && !status;) {
      self->buffer_.clear();
      const size_t size = co_await self->stream_.async_read_some(
          self->buffer_.prepare(kFilePiece), asio::redirect_error(asio::use_awaitable, status));
      left -= std::min(left, size);
    }
  }

 private:
  // Returns whether the connection can take another request.
  asio::awaitable<bool> serve_one() {
    Status status;
    if (buffer_.size() == 0) {
      stream_.expires_after(options_.idle_timeout);
      const size_t size = co_await stream_.async_read_some(
          buffer_.prepare(4096), asio::redirect_error(asio::use_awaitable, status));
      buffer_.commit(size);
      if (status) co_return false;
    }
    RequestParser parser;
    set_limits(parser, options_);
    if (serving_.receive) parser.body_limit(kAnySize);  // a receiver may take it
    stream_.expires_after(options_.head_timeout);
    co_await http::async_read_header(stream_, buffer_, parser,
                                     asio::redirect_error(asio::use_awaitable, status));
    std::optional<BodyReceiver> receiver;
    if (!status) receiver = receiver_of(parser, status);
    while (receiver && receiver->pending) {
      co_await wait_for(*receiver->pending);
      receiver = receiver_of(parser, status);
    }
    if (receiver) co_return co_await serve_received(parser, std::move(*receiver));
    if (!status && !parser.is_done()) {
      co_await invite_body(stream_, parser, status);
      stream_.expires_after(options_.body_timeout);
      co_await http::async_read(stream_, buffer_, parser,
                                asio::redirect_error(asio::use_awaitable, status));
    }
    if (status) {
      auto refusal = refusal_of(status, options_);
      if (refusal) co_await write(*refusal, 11, false, false);
      co_return false;
    }
    const unsigned version = parser.get().version();
    const bool keep_alive = parser.get().keep_alive();
    const bool is_head = parser.get().method() == http::verb::head;
    const Counted counted(serving_.in_progress);
    Answer answer = answer_to([this, &parser] {
      return serving_.respond(served_request(parser.release(), peer_, stream_.is_secure()));
    });
    while (const auto pending = std::move(answer.pending)) {
      co_await wait_for(*pending);
      answer = answer_to(pending->then);
    }
    const bool again = keep_alive && !answer.close;
    co_return co_await write(answer, version, again, is_head) && again;
  }

  // Returns who takes the body as it arrives; nothing where it is to be read whole, which `status`
  // refuses where it is too large.
  std::optional<BodyReceiver> receiver_of(RequestParser& parser, Status& status) {
    const bool is_read =
        parser.get().method() == http::verb::get || parser.get().method() == http::verb::head;
    if (serving_.receive && !is_read) {
      auto found = serving_.receive(served_head(parser, peer_, stream_.is_secure()));
      if (found) return found;
    }
    if (parser.content_length().value_or(0) > options_.max_body) status = http::error::body_limit;
    parser.body_limit(options_.max_body);
    return std::nullopt;
  }

  // Returns whether the connection can take another request.
  asio::awaitable<bool> serve_received(RequestParser& parser, BodyReceiver receiver) {
    const unsigned version = parser.get().version();
    const bool keep_alive = parser.get().keep_alive();
    const bool had_all = parser.is_done();
    const auto end =
        co_await receive_body(stream_, buffer_, parser, receiver, options_.body_timeout);
    if (end == BodyEnd::broken) co_return false;
    Answer answer = receiver.finish();
    const bool again = keep_alive && !answer.close && (had_all || end == BodyEnd::whole);
    co_return co_await write(answer, version, again, false) && again;
  }

  asio::awaitable<void> wait_for(HttpPending& pending) {
    ready_.expires_at(asio::steady_timer::time_point::max());
    pending.on_finish([self = shared_from_this()] {
      asio::post(self->stream_.get_executor(), [self] { self->ready_.cancel(); });
    });
    Status woken;
    co_await ready_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }

  static Answer answer_to(const std::function<Answer()>& make) {
    try {
      return make();
    } catch (const std::exception& error) {
      log_error(error.what());
      return plain_refusal(500, "the server failed; its log says why");
    }
  }

  asio::awaitable<bool> write(Answer& answer, unsigned version, bool keep_alive, bool is_head) {
    http::response<http::empty_body> head;
    head.version(version);
    head.result(static_cast<unsigned>(answer.status));
    for (const auto& [name, value] : answer.headers) head.insert(name, value);
    const bool chunked = answer.push && version == 11;
    head.keep_alive(keep_alive && (!answer.push || chunked));
    if (chunked) {
      head.chunked(true);
    } else if (!answer.push) {
      head.content_length(answer.file ? answer.file->size : answer.body.size());
    }
    http::response_serializer<http::empty_body> serializer(head);
    Status status;
    stream_.expires_after(kWriteTimeout);
    co_await http::async_write_header(stream_, serializer,
                                      asio::redirect_error(asio::use_awaitable, status));
    if (status) co_return false;
    if (is_head) {
      if (answer.push) answer.push->closed_ = true;
      co_return !answer.push;
    }
    if (answer.push) co_return co_await write_push(answer.push, chunked);
    if (answer.file) co_return co_await write_file(*answer.file);
    co_await asio::async_write(stream_, asio::buffer(answer.body),
                               asio::redirect_error(asio::use_awaitable, status));
    co_return !status;
  }

  asio::awaitable<bool> write_file(ServedFile& file) {
    std::string piece(std::min<uint64_t>(kFilePiece, file.size), '\0');
    while (file.size > 0) {
      const ssize_t size =
          ::pread(file.file.get(), piece.data(), std::min<uint64_t>(piece.size(), file.size),
                  static_cast<off_t>(file.offset));
      if (size <= 0) co_return false;  // it was cut meanwhile: the length is promised already
      Status status;
      stream_.expires_after(kWriteTimeout);
      co_await asio::async_write(stream_, asio::buffer(piece.data(), static_cast<size_t>(size)),
                                 asio::redirect_error(asio::use_awaitable, status));
      if (status) co_return false;
      file.offset += static_cast<uint64_t>(size);
      file.size -= static_cast<uint64_t>(size);
    }
    co_return true;
  }

  // Ends where the answer does; at once where the reader is gone.
  asio::awaitable<bool> write_push(std::shared_ptr<HttpPush> push, bool chunked) {
    is_watched_ = true;
    push->begin(chunked, [this] { ready_.cancel(); });
    asio::co_spawn(stream_.get_executor(), watch(shared_from_this(), push), asio::detached);
    Status status;
    while (!status && !push->closed_) {
      if (push->waiting_.empty()) {
        if (push->ended_) break;
        if (!stream_.is_secure()) push->idle_socket_ = stream_.socket().native_handle();
        Status woken;
        ready_.expires_at(asio::steady_timer::time_point::max());
        co_await ready_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        push->idle_socket_ = -1;
        continue;
      }
      const std::string bytes = std::exchange(push->waiting_, {});
      stream_.expires_after(kWriteTimeout);
      co_await asio::async_write(stream_, asio::buffer(bytes),
                                 asio::redirect_error(asio::use_awaitable, status));
    }
    if (!status && chunked && !push->closed_) {
      co_await asio::async_write(stream_, http::make_chunk_last(),
                                 asio::redirect_error(asio::use_awaitable, status));
    }
    push->closed_ = true;
    push->wake_ = nullptr;
    // The watch still reads: this connection is at its end.
    stream_.cancel();
    co_return false;
  }

  // Notices that the reader of a lasting answer closes the connection. `self` keeps it alive.
  static asio::awaitable<void> watch(std::shared_ptr<HttpSession> self,
                                     std::shared_ptr<HttpPush> push) {
    Status status;
    while (!status && !push->closed_) {
      self->stream_.expires_never();
      const size_t size = co_await self->stream_.async_read_some(
          self->buffer_.prepare(512), asio::redirect_error(asio::use_awaitable, status));
      self->buffer_.commit(size);
      if (self->buffer_.size() > self->options_.max_head) break;
    }
    push->closed_ = true;
    self->ready_.cancel();
  }

  ServedStream stream_;
  Serving& serving_;
  const HttpServerOptions& options_;
  const std::string peer_;
  beast::flat_buffer buffer_;
  bool is_watched_ = false;   // a read for a lasting answer may be pending
  asio::steady_timer ready_;  // cancelled when a push has something
};

asio::awaitable<void> serve_connection(tcp::socket socket, Serving& serving) {
  Status ignored;
  const std::string peer = socket.remote_endpoint(ignored).address().to_string(ignored);
  if (is_one_too_many(serving, peer)) {
    co_await refuse(std::move(socket), serving);
  } else {
    co_await HttpSession::run(std::make_shared<HttpSession>(std::move(socket), serving, peer));
  }
}

}  // namespace ringtrain::net
