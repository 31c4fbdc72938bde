// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server for one thread: a coroutine for each connection, so that a thousand viewers
// that wait cost memory and nothing else. Boost.Beast is in http_server.cpp alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_descriptor.hpp"

namespace ringtrain::net {

// Names in any case; in requests in lower case.
using Headers = std::vector<std::pair<std::string, std::string>>;

struct ServedRequest {
  std::string method = {};
  std::string target = {};  // as sent: path and query, still encoded
  Headers headers = {};
  std::string body = {};
  std::string peer = {};   // address of the other side
  bool is_secure = false;  // came by TLS

  // Returns the value of a header, by its name in lower case; empty where it is not there or there
  // twice, which nobody honest sends.
  std::string_view header(std::string_view name) const;
};

// Bytes of an answer that lasts, from whoever has them to one connection. While nothing waits, they
// go to the kernel at once: a thousand viewers cost a thousand calls of it, and nothing else.
class HttpPush {
 public:
  // Most bytes that wait for a slow reader.
  static constexpr size_t kMaxWaiting = size_t{256} << 10;

  // Adds bytes. Returns false, and takes none, where the connection is gone or its reader is too
  // slow.
  bool push(std::string_view bytes);
  size_t waiting() const { return waiting_.size(); }
  // Ends the answer after what waits.
  void end();
  bool is_closed() const { return closed_; }

 private:
  friend class HttpSession;
  void append(std::string_view bytes);
  // The session has begun the answer: what waits from here on is as the connection carries it.
  void begin(bool in_chunks, std::function<void()> wake);

  std::string waiting_;
  bool in_chunks_ = false;  // of HTTP/1.1
  int idle_socket_ = -1;    // that the session writes nothing to now, and push() may
  bool ended_ = false;
  bool closed_ = false;
  std::function<void()> wake_;
};

struct ServedFile {
  FileDescriptor file;
  uint64_t offset = 0;
  uint64_t size = 0;
};

struct Answer;

// An answer that needs work on another thread first. The connection waits for it.
class HttpPending {
 public:
  // Makes the answer, on the server's thread.
  std::function<Answer()> then;

  // Says that the work is done. Thread: any, while the server runs; the first call counts.
  void finish();
  // The same for work that makes the answer itself.
  void finish(Answer answer);

 private:
  friend class HttpSession;
  // Calls `wake` once finish() was called: at once, or on its thread.
  void on_finish(std::function<void()> wake);

  std::mutex mutex_;
  bool done_ = false;
  std::function<void()> wake_;
};

// One of body, file, push and pending; a pending one has nothing else.
struct Answer {
  int status = 200;
  Headers headers = {};
  std::string body = {};
  std::optional<ServedFile> file = {};
  std::shared_ptr<HttpPush> push = {};
  std::shared_ptr<HttpPending> pending = {};
  bool close = false;  // ends the connection after it, as where the request was hostile
};

// Takes the body of a request while it arrives, where it shall not wait in memory. Where the
// connection breaks, the receiver is destroyed without finish().
struct BodyReceiver {
  // Takes the next bytes. Returns false where no more are wanted: finish() answers at once, and the
  // connection ends.
  std::function<bool(std::string_view bytes)> take = {};
  // Makes the answer.
  std::function<Answer()> finish = {};
  bool wants_body = true;  // false: finish() answers before anything is read
  // Not null: whether there is a receiver is known once this is finished; it is asked for again
  // then. Its `then` is not called.
  std::shared_ptr<HttpPending> pending = {};
};

// A server's certificate with those that lead to its authority, and its key; both PEM.
struct HttpIdentity {
  std::string certificate;
  std::string key;
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any that is free
  size_t max_head = 16384;
  size_t max_body = size_t{1} << 20;
  size_t max_connections = 1024;
  size_t max_of_an_address = 64;
  // Addresses that speak for many, as proxies: without a limit of their own.
  std::vector<std::string> proxies = {};
  std::optional<HttpIdentity> identity = {};  // with it the server speaks TLS, and nothing else
  std::chrono::seconds head_timeout{10};
  std::chrono::seconds body_timeout{30};
  std::chrono::seconds idle_timeout{75};
  // Makes the answer to what cannot be read, or is too large; empty: in RFC 9457.
  std::function<Answer(int status, const std::string& detail)> refuse = {};
  // Is called at SIGINT or SIGTERM, where run() shall not end by itself; a second one ends it.
  std::function<void()> on_signal = {};
};

// Thread: run() calls everything on its own thread; stop() may come from any thread.
class HttpServer {
 public:
  // Makes the answer to a request. An exception is answered with 500 and its text on stderr.
  using Respond = std::function<Answer(ServedRequest request)>;
  // Looks at a request, no GET or HEAD, before its body is read. Nothing: the body is read whole,
  // up to max_body, and `respond` answers.
  using Receive = std::function<std::optional<BodyReceiver>(const ServedRequest& head)>;

  // Listens from here on. Throws std::system_error where the address is taken, or the certificate
  // or its key cannot be used.
  HttpServer(const HttpServerOptions& options, Respond respond, Receive receive = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  // Calls `work` again and again while run() does, `pause` after it has returned.
  void every(std::chrono::milliseconds pause, std::function<void()> work);
  // Calls `work` once on the thread of run(). Thread: any.
  void post(std::function<void()> work);
  // Requests whose answers are not written yet.
  size_t in_progress() const;
  // Serves until stop(), SIGINT or SIGTERM.
  void run();
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ringtrain::net
