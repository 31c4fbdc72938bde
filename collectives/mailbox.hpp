// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
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
    int peer;  // kAnySource: of a receive; its sender once it is done
    int tag;
    Deadline deadline;
    double timeout;  // seconds, for messages
    size_t moved = 0;
    bool begun = false;  // a send: its header is written; a receive: it has its message
    bool done = false;
    std::string error = {};  // of this request alone: the message has another size
  };

  explicit Mailbox(std::shared_ptr<SharedRegion> region);

  // Moves what can be moved at once. The request is to be polled by progress() until it is done.
  // Throws a lost error where the group is broken.
  std::shared_ptr<Request> send(std::span<const std::byte> data, int to, int tag,
                                std::chrono::duration<double> timeout);
  std::shared_ptr<Request> receive(std::span<std::byte> data, int from, int tag,
                                   std::chrono::duration<double> timeout);

  // Moves what can be moved; returns the requests that are done since the last call.
  std::vector<std::shared_ptr<Request>> progress();

  // Blocks until something may have changed, or wake() was called; at most 100 ms. Throws a lost
  // error where a peer of a request has ended, where one is late, or where the group is broken.
  void wait();
  void wake();

 private:
  struct Message {
    int from, tag;
    size_t bytes;
    std::vector<std::byte> data;
    std::shared_ptr<Request> request;  // that asked for it meanwhile
    bool complete = false;
  };
  // The message that is arriving from one rank.
  struct Incoming {
    size_t left = 0;  // bytes of the present message; `active` otherwise
    bool active = false;
    std::shared_ptr<Request> request;  // that it goes to, or
    Message* message = nullptr;
  };
  struct Header {
    uint64_t bytes;
    int64_t tag;
  };

  bool advance();
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
  std::list<Message> waiting_;      // that nobody had asked for, in order of arrival
  std::vector<Incoming> incoming_;  // by rank
  std::optional<uint32_t> event_;   // of our signal, before the last progress()
};

}  // namespace ringtrain::collectives
