// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "collectives/shared_region.hpp"

namespace ringtrain::collectives {

// Messages between two ranks of a group, through a ring in the shared memory for each pair. A
// message of at most RegionLayout::kRingBytes is taken at once; a longer one as the receiver reads.
//
// Messages from one rank with one tag arrive in the order in which they were sent; those that
// nobody has asked for yet wait in the memory of the receiver.
//
// Thread: any.
class Mailbox {
 public:
  static constexpr int kAnySource = -1;

  struct Request {
    bool sends;
    std::byte* data;  // of the caller, until it is done; a send does not write to it
    size_t bytes;
    int peer;  // kAnySource: any rank, until a receive has its message; then the sender
    int tag;
    Deadline deadline;
    double timeout;  // seconds, for messages
    size_t moved = 0;
    bool begun = false;  // a send: its header is written; a receive: it has its message
    bool done = false;
    std::string error = {};  // of this request alone: the message has another size
  };

  explicit Mailbox(std::shared_ptr<SharedRegion> region);

  // Moves what can be moved at once. Throws a lost error where the group is broken, as all others
  // do; what else goes wrong breaks it. Once one has thrown, no data of a request is touched again.
  std::shared_ptr<Request> send(std::span<const std::byte> data, int to, int tag,
                                std::chrono::duration<double> timeout);
  std::shared_ptr<Request> receive(std::span<std::byte> data, int from, int tag,
                                   std::chrono::duration<double> timeout);

  // Moves what can be moved; returns the requests that were done since the last call, also those
  // that were done at once.
  std::vector<std::shared_ptr<Request>> progress();

  // Blocks until something may have changed, at most kLongestSleep. Throws where a peer of a
  // request has ended and where one is late.
  void wait();

 private:
  struct Message {
    int from, tag;
    size_t bytes;
    std::vector<std::byte> data;
    std::shared_ptr<Request> request;  // the one that asked for it meanwhile
    bool complete = false;
  };
  // The message that is arriving from one rank; it goes to `request` or to `message`.
  struct Incoming {
    size_t left = 0;  // bytes
    bool active = false;
    std::shared_ptr<Request> request;
    Message* message = nullptr;
  };
  struct Header {
    uint64_t bytes;
    int64_t tag;
  };

  template <class F>
  auto guarded(const F& f);
  bool advance();
  bool has_no_peer(const Request& request) const;
  bool check_requests();
  bool advance_send(Request& request);
  bool advance_incoming(int from);
  void begin_message(int from, const Header& header);
  void match_waiting(const std::shared_ptr<Request>& request);
  void finish_message(Incoming& incoming);
  void give(const Message& message, Request& request);
  std::shared_ptr<Request> start(Request request);
  [[noreturn]] void fail(const Request& request, const std::string& why) const;
  size_t write(int to, const std::byte* data, size_t bytes);
  size_t read(int from, std::byte* data, size_t bytes);

  std::shared_ptr<SharedRegion> region_;
  std::mutex mutex_;
  std::list<std::shared_ptr<Request>> requests_;  // in the order of calls
  std::vector<std::shared_ptr<Request>> done_;
  std::list<Message> waiting_;      // messages without a request, in order of arrival
  std::vector<Incoming> incoming_;  // by rank
  Deadline next_look_;              // at the peers' ends
};

}  // namespace ringtrain::collectives
