// SPDX-License-Identifier: Apache-2.0
#include "net/http_streams.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/deadline.hpp"
#include "net/http_transfer.hpp"

namespace ringtrain::net {
namespace {

void check(CURLMcode code, const char* call) {
  if (code != CURLM_OK) throw lost_error(fmt::format("{}: {}", call, curl_multi_strerror(code)));
}

}  // namespace

class HttpStreams::Stream {
 public:
  Stream(Multi& multi, const HttpRequest& request, OnData on_data, OnEnd on_end);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void end(CURLcode code) {
    StreamEnd end;
    try {
      end.response = transfer_.finish(code);
    } catch (const HttpError& error) {
      end.error = error;
    }
    on_end_(end);
  }

 private:
  Multi& multi_;
  HttpTransfer transfer_;
  OnEnd on_end_;
};

struct HttpStreams::Multi {
  std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> handle{curl_multi_init(), curl_multi_cleanup};
  bool received = false;

  // Returns whether a stream has received data or has ended.
  bool step(std::chrono::milliseconds at_most) {
    int running = 0;
    check(curl_multi_perform(handle.get(), &running), "curl_multi_perform");
    bool moved = end_finished();
    if (moved || at_most.count() <= 0) return moved;
    check(curl_multi_poll(handle.get(), nullptr, 0, static_cast<int>(at_most.count()), nullptr),
          "curl_multi_poll");
    check(curl_multi_perform(handle.get(), &running), "curl_multi_perform");
    return end_finished();
  }

  bool end_finished() {
    bool moved = std::exchange(received, false);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(handle.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      void* stream = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &stream);
      static_cast<Stream*>(stream)->end(message->data.result);
      moved = true;
    }
    return moved;
  }
};

HttpStreams::Stream::Stream(Multi& multi, const HttpRequest& request, OnData on_data, OnEnd on_end)
    : multi_(multi),
      transfer_(make_curl_handle(), request,
                [&multi, take = std::move(on_data)](std::string_view bytes, uint64_t total) {
                  multi.received = true;
                  take(bytes, total);
                }),
      on_end_(std::move(on_end)) {
  if (curl_easy_setopt(transfer_.handle(), CURLOPT_PRIVATE, this) != CURLE_OK) {
    throw lost_error("libcurl does not take a stream");
  }
  check(curl_multi_add_handle(multi_.handle.get(), transfer_.handle()), "curl_multi_add_handle");
}

HttpStreams::Stream::~Stream() {
  curl_multi_remove_handle(multi_.handle.get(), transfer_.handle());
}

void HttpStreams::Close::operator()(Stream* stream) const { delete stream; }

HttpStreams::HttpStreams() {
  make_curl_handle();  // starts libcurl
  multi_ = std::make_unique<Multi>();
  if (!multi_->handle) throw lost_error("libcurl cannot be started");
}

HttpStreams::~HttpStreams() = default;

HttpStreams::StreamPointer HttpStreams::open(const HttpRequest& request, OnData on_data,
                                             OnEnd on_end) {
  return StreamPointer(new Stream(*multi_, request, std::move(on_data), std::move(on_end)));
}

bool HttpStreams::wait(std::chrono::milliseconds at_most) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(1);  // libcurl takes an int
  const Deadline deadline(at_most);
  for (;;) {
    const auto left = deadline.left();
    if (multi_->step(std::min(left, kLongest))) return true;
    if (left.count() <= 0) return false;
  }
}

}  // namespace ringtrain::net
