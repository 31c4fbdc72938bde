// SPDX-License-Identifier: Apache-2.0
#include "collectives/mailbox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/check.hpp"
#include "base/error.hpp"

namespace ringtrain::collectives {
namespace {

constexpr size_t kRing = RegionLayout::kRingBytes;

std::string text_of(const Mailbox::Request& request) {
  const std::string peer = request.peer == Mailbox::kAnySource
                               ? std::string("any rank")
                               : fmt::format("rank {}", request.peer);
  return fmt::format("{} {} of {} bytes with tag {}", request.sends ? "send to" : "recv from", peer,
                     request.bytes, request.tag);
}

bool fits(const Mailbox::Request& request, int from, int tag) {
  return !request.sends && !request.begun && !request.done && request.tag == tag &&
         (request.peer == from || request.peer == Mailbox::kAnySource);
}

}  // namespace

Mailbox::Mailbox(std::shared_ptr<SharedRegion> region)
    : region_(std::move(region)),
      incoming_(static_cast<size_t>(region_->size())),
      next_look_(kLongestSleep) {}

// Runs f() alone, in a group that is whole.
template <class F>
auto Mailbox::guarded(const F& f) {
  const std::lock_guard lock(mutex_);
  region_->check();
  try {
    return f();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    region_->break_group(fmt::format("rank {}, messages: {}", region_->rank(), error.what()));
  }
}

std::shared_ptr<Mailbox::Request> Mailbox::send(std::span<const std::byte> data, int to, int tag,
                                                std::chrono::duration<double> timeout) {
  RINGTRAIN_CHECK(0 <= to && to < region_->size());
  return start({.sends = true,
                .data = const_cast<std::byte*>(data.data()),
                .bytes = data.size(),
                .peer = to,
                .tag = tag,
                .deadline = Deadline(timeout),
                .timeout = timeout.count()});
}

std::shared_ptr<Mailbox::Request> Mailbox::receive(std::span<std::byte> data, int from, int tag,
                                                   std::chrono::duration<double> timeout) {
  RINGTRAIN_CHECK(kAnySource <= from && from < region_->size());
  return start({.sends = false,
                .data = data.data(),
                .bytes = data.size(),
                .peer = from,
                .tag = tag,
                .deadline = Deadline(timeout),
                .timeout = timeout.count()});
}

std::shared_ptr<Mailbox::Request> Mailbox::start(Request request) {
  return guarded([&] {
    auto shared = std::make_shared<Request>(std::move(request));
    if (!shared->sends) match_waiting(shared);
    requests_.push_back(shared);
    advance();
    return shared;
  });
}

std::vector<std::shared_ptr<Mailbox::Request>> Mailbox::progress() {
  return guarded([&] {
    while (advance()) {
    }
    return std::exchange(done_, {});
  });
}

// Returns whether anything moved.
bool Mailbox::advance() {
  bool moved = false;
  std::vector<bool> busy(incoming_.size());  // a message to this rank is under way
  for (const auto& request : requests_) {
    if (!request->sends || busy[static_cast<size_t>(request->peer)]) continue;
    moved |= advance_send(*request);
    busy[static_cast<size_t>(request->peer)] = !request->done;
  }
  for (int from = 0; from < region_->size(); ++from) moved |= advance_incoming(from);
  requests_.remove_if([&](const auto& request) {
    if (request->done) done_.push_back(request);
    return request->done;
  });
  return moved;
}

bool Mailbox::advance_send(Request& request) {
  bool moved = false;
  if (!request.begun) {
    const Ring& ring = region_->ring(region_->rank(), request.peer);
    const Header header = {request.bytes, request.tag};
    if (kRing - (ring.written.load() - ring.read.load()) < sizeof header) return false;
    write(request.peer, reinterpret_cast<const std::byte*>(&header), sizeof header);
    request.begun = moved = true;
  }
  const size_t now =
      write(request.peer, request.data + request.moved, request.bytes - request.moved);
  request.moved += now;
  request.done = request.moved == request.bytes;
  return moved || now > 0;
}

bool Mailbox::advance_incoming(int from) {
  Incoming& incoming = incoming_[static_cast<size_t>(from)];
  bool moved = false;
  if (!incoming.active) {
    const Ring& ring = region_->ring(from, region_->rank());
    Header header = {};
    if (ring.written.load() - ring.read.load() < sizeof header) return false;
    read(from, reinterpret_cast<std::byte*>(&header), sizeof header);
    begin_message(from, header);
    moved = true;
  }
  std::byte* to = incoming.request
                      ? incoming.request->data + incoming.request->moved
                      : incoming.message->data.data() + (incoming.message->bytes - incoming.left);
  const size_t now = read(from, to, incoming.left);
  incoming.left -= now;
  if (incoming.request) incoming.request->moved += now;
  if (incoming.left == 0) finish_message(incoming);
  return moved || now > 0;
}

void Mailbox::begin_message(int from, const Header& header) {
  Incoming& incoming = incoming_[static_cast<size_t>(from)];
  const auto tag = static_cast<int>(header.tag);
  const auto found = std::find_if(requests_.begin(), requests_.end(),
                                  [&](const auto& r) { return fits(*r, from, tag); });
  incoming = {.left = header.bytes, .active = true, .request = nullptr, .message = nullptr};
  std::shared_ptr<Request> request;
  if (found != requests_.end()) {
    request = *found;
    request->begun = true;
    request->peer = from;
  }
  if (request && request->bytes == header.bytes) {
    incoming.request = request;
    return;
  }
  waiting_.push_back({.from = from,
                      .tag = tag,
                      .bytes = header.bytes,
                      .data = std::vector<std::byte>(header.bytes),
                      .request = request});
  incoming.message = &waiting_.back();
}

void Mailbox::finish_message(Incoming& incoming) {
  if (incoming.request) {
    incoming.request->done = true;
  } else {
    incoming.message->complete = true;
    if (incoming.message->request) {
      give(*incoming.message, *incoming.message->request);
      waiting_.remove_if([&](const Message& m) { return &m == incoming.message; });
    }
  }
  incoming = {};
}

// Gives a request the first message that it fits, which may still be arriving.
void Mailbox::match_waiting(const std::shared_ptr<Request>& request) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const Message& message) {
    return !message.request && fits(*request, message.from, message.tag);
  });
  if (found == waiting_.end()) return;
  request->begun = true;
  request->peer = found->from;
  if (!found->complete) {
    found->request = request;
    return;
  }
  give(*found, *request);
  waiting_.erase(found);
}

void Mailbox::give(const Message& message, Request& request) {
  if (message.bytes != request.bytes) {
    request.error =
        fmt::format("{}: rank {} sent {} bytes", text_of(request), message.from, message.bytes);
  } else if (message.bytes > 0) {
    std::memcpy(request.data, message.data.data(), message.bytes);
  }
  request.done = true;
}

void Mailbox::fail(const Request& request, const std::string& why) const {
  region_->break_group(fmt::format("{}: rank {}, {}", why, region_->rank(), text_of(request)));
}

// Returns whether no rank is left that could end the request.
bool Mailbox::has_no_peer(const Request& request) const {
  if (request.peer != kAnySource) return region_->has_ended(request.peer);
  for (int r = 0; r < region_->size(); ++r) {
    if (r != region_->rank() && !region_->has_ended(r)) return false;
  }
  return region_->size() > 1;
}

// Returns whether anything moved.
bool Mailbox::check_requests() {
  for (const auto& request : requests_) {
    const bool alone = has_no_peer(*request);
    if (!alone && !request->deadline.passed()) continue;
    const auto late = request;
    if (advance()) return true;  // a peer may have written before it ended
    if (!alone) fail(*late, fmt::format("Timed out after {:g} s", late->timeout));
    if (late->peer == kAnySource) fail(*late, "every other rank has ended");
    fail(*late, fmt::format("rank {} {}", late->peer, region_->how_it_ended(late->peer)));
  }
  return false;
}

void Mailbox::wait() {
  Signal& mail = region_->state(region_->rank()).mail;
  const Sleeper sleeper(mail);
  const uint32_t event = mail.event.load();
  const bool moved = guarded([&] {
    if (advance() || !done_.empty()) return true;
    if (!next_look_.passed()) return false;
    next_look_ = Deadline(kLongestSleep);
    return check_requests();
  });
  if (!moved) futex_wait(mail.event, event);
}

// Returns how many bytes there was room for.
size_t Mailbox::write(int to, const std::byte* data, size_t bytes) {
  Ring& ring = region_->ring(region_->rank(), to);
  std::byte* room = region_->ring_data(region_->rank(), to);
  const uint64_t written = ring.written.load();
  const size_t now = std::min<size_t>(bytes, kRing - (written - ring.read.load()));
  if (now == 0) return 0;
  const size_t at = written % kRing, first = std::min(now, kRing - at);
  std::memcpy(room + at, data, first);
  std::memcpy(room, data + first, now - first);
  ring.written.store(written + now);
  region_->state(to).mail.notify();
  return now;
}

// Returns how many bytes were there.
size_t Mailbox::read(int from, std::byte* data, size_t bytes) {
  Ring& ring = region_->ring(from, region_->rank());
  const std::byte* room = region_->ring_data(from, region_->rank());
  const uint64_t done = ring.read.load();
  const size_t now = std::min<size_t>(bytes, ring.written.load() - done);
  if (now == 0) return 0;
  const size_t at = done % kRing, first = std::min(now, kRing - at);
  std::memcpy(data, room + at, first);
  std::memcpy(data + first, room, now - first);
  ring.read.store(done + now);
  region_->state(from).mail.notify();
  return now;
}

}  // namespace ringtrain::collectives
