// SPDX-License-Identifier: Apache-2.0
#include "storage/cache/host_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/url.hpp"
#include "storage/cache/fetcher_program.hpp"

namespace ringtrain::storage {

using Kind = CacheMessage::Kind;

namespace {

[[noreturn]] void refuse_gone() {
  throw data_error(
      "the process that fetches data for this host, 'ringtrain fetch', has ended: "
      "start the job again");
}

}  // namespace

HostCache::HostCache(const CacheOptions& options) {
  // A fetcher that was just ending, or another rank that was just starting one, wins a race now and
  // then.
  constexpr int kTries = 30;
  for (int i = 0; i < kTries; ++i) {
    socket_ = connect_to_fetcher(options);
    if (!socket_.is_open()) continue;
    // It answers, so it will not end while this connection lives.
    const CacheMessage hello{.kind = Kind::forget, .ticket = ++tickets_};
    if (!send_message(socket_.get(), hello)) continue;
    if (receive_message(socket_.get())) return;
  }
  refuse_gone();
}

HostCache::Answer HostCache::ask(CacheMessage message, std::string_view payload) {
  std::unique_lock lock(mutex_);
  message.ticket = ++tickets_;
  if (!send_message(socket_.get(), message, payload)) refuse_gone();
  for (;;) {
    if (auto found = answers_.extract(message.ticket); !found.empty()) {
      Answer answer = std::move(found.mapped());
      if (answer.message.kind == Kind::refused) throw data_error(answer.payload);
      return answer;
    }
    if (receiving_) {
      arrived_.wait(lock);
    } else {
      receive_one(lock);
    }
  }
}

// Receives the next answer, whoever it is for.
void HostCache::receive_one(std::unique_lock<std::mutex>& lock) {
  receiving_ = true;
  lock.unlock();
  auto received = receive_message(socket_.get());
  lock.lock();
  receiving_ = false;
  arrived_.notify_all();
  if (!received) refuse_gone();
  answers_[received->message.ticket] = {received->message, std::move(received->payload),
                                        std::move(received->file)};
}

void HostCache::send(const CacheMessage& message) {
  if (!send_message(socket_.get(), message)) refuse_gone();
}

std::vector<std::string> HostCache::list(const std::string& prefix) {
  const std::string lines = ask({.kind = Kind::list}, prefix).payload;
  std::vector<std::string> urls;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = lines.find('\n', at);
    urls.push_back(lines.substr(at, end - at));
    at = end + 1;
  }
  return urls;
}

std::unique_ptr<CachedObject> CachedObject::open(std::shared_ptr<HostCache> cache,
                                                 const std::string& url, const std::string& etag) {
  // An offset after which the ETag begins, as both may hold any character.
  HostCache::Answer opened = cache->ask({.kind = Kind::open, .offset = url.size()}, url + etag);
  return std::unique_ptr<CachedObject>(new CachedObject(std::move(cache), url, std::move(opened)));
}

CachedObject::CachedObject(std::shared_ptr<HostCache> cache, const std::string& url,
                           HostCache::Answer opened)
    : Source(printable_url(url), opened.message.size, opened.payload),
      cache_(std::move(cache)),
      number_(opened.message.object),
      file_(std::move(opened.file)) {}

// The file has no name, so that nothing stays of it: it is opened again by its descriptor.
File CachedObject::open_file() const {
  return File::open_for_reading(fmt::format("/proc/self/fd/{}", file_.get()));
}

CacheMessage CachedObject::message(Kind kind, const Range& range) const {
  return {.kind = kind, .object = number_, .offset = range.offset, .size = range.size};
}

void CachedObject::read_at(void* data, size_t size, uint64_t offset) const {
  if (offset > Source::size() || size > Source::size() - offset) {
    throw data_error(fmt::format("{}: has {} bytes, {} to {} were asked for", name(),
                                 Source::size(), offset, offset + size));
  }
  for (size_t done = 0; done < size;) {
    const size_t part = std::min(size - done, kMostPayload);
    const auto answer = cache_->ask(message(Kind::read, {offset + done, part}));
    if (answer.payload.size() != part) refuse_gone();
    std::copy(answer.payload.begin(), answer.payload.end(), static_cast<char*>(data) + done);
    done += part;
  }
}

void CachedObject::want(const Range& range) const { cache_->send(message(Kind::want, range)); }
void CachedObject::hold(const Range& range) const { cache_->ask(message(Kind::hold, range)); }
void CachedObject::drop(const Range& range) const { cache_->send(message(Kind::drop, range)); }
void CachedObject::forget() const { cache_->send({.kind = Kind::forget}); }

}  // namespace ringtrain::storage
