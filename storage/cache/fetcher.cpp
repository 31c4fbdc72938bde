// SPDX-License-Identifier: Apache-2.0
// One thread listens, a few fetch. Work is of three kinds: requests that need the network and have
// an answer (open, list, read), ranges of the table, and nothing.
#include "storage/cache/fetcher.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/cache/cache_file.hpp"
#include "storage/cache/cache_message.hpp"
#include "storage/cache/fetched_objects.hpp"
#include "storage/cache/range_table.hpp"
#include "storage/storage.hpp"

namespace ringtrain::storage {
namespace {

using Kind = CacheMessage::Kind;

constexpr int kThreads = 8;
constexpr int kLingerMilliseconds = 300;

// The connection to a rank.
struct Client {
  int number = 0;
  FileDescriptor socket;
};
using ClientPointer = std::shared_ptr<const Client>;

void refuse(const Client& client, uint64_t ticket, const std::string& why) {
  send_message(client.socket.get(), {.kind = Kind::refused, .ticket = ticket},
               why.substr(0, kMostPayload));
}

class Fetcher {
 public:
  explicit Fetcher(const CacheOptions& options)
      : objects_(options.folder), table_(options.bytes), budget_(options.bytes) {
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Fetcher() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
  }
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  void add(ClientPointer client) {
    const std::lock_guard lock(mutex_);
    const int number = client->number;
    clients_[number] = std::move(client);
  }

  void leave(int client) {
    const std::lock_guard lock(mutex_);
    clients_.erase(client);
    table_.leave(client);
    changed_.notify_all();
  }

  // Takes a message of a rank, and returns at once.
  void take(const ClientPointer& client, ReceivedMessage received);

 private:
  void work();
  void fetch(const KeyedRange& range);
  void answer(const std::vector<Waiter>& waiters, const std::string& failure);
  void refuse_without_room();
  void answer_request(const Client& client, const ReceivedMessage& received);

  FetchedObjects objects_;
  std::mutex mutex_;
  std::condition_variable changed_;
  RangeTable table_;
  const uint64_t budget_;
  std::map<int, ClientPointer> clients_;
  std::deque<std::function<void()>> requests_;  // that have an answer
  bool stopping_ = false;
  std::vector<std::jthread> threads_;  // last, so that they end first
};

void Fetcher::take(const ClientPointer& client, ReceivedMessage received) {
  const CacheMessage& message = received.message;
  const KeyedRange range{{message.object, message.offset}, message.size};
  const std::lock_guard lock(mutex_);
  switch (message.kind) {
    case Kind::want:
      table_.want(client->number, range);
      break;
    case Kind::hold:
      if (!objects_.has(message.object, message.offset, message.size)) {
        return refuse(*client, message.ticket, "there is no such range");
      }
      if (table_.hold({client->number, message.ticket}, range)) {
        send_message(client->socket.get(), {.kind = Kind::held, .ticket = message.ticket});
      }
      break;
    case Kind::drop:
      table_.drop(client->number, range.key);
      break;
    case Kind::forget:
      table_.forget(client->number);
      if (message.ticket != 0) {
        send_message(client->socket.get(), {.kind = Kind::held, .ticket = message.ticket});
      }
      break;
    default: {
      auto request = std::make_shared<ReceivedMessage>(std::move(received));
      requests_.push_back([this, client, request] { answer_request(*client, *request); });
    }
  }
  changed_.notify_all();
}

void Fetcher::answer_request(const Client& client, const ReceivedMessage& received) {
  const CacheMessage& message = received.message;
  CacheMessage reply{.kind = Kind::bytes, .object = message.object, .ticket = message.ticket};
  try {
    if (message.kind == Kind::open) {
      const size_t url = std::min<size_t>(message.offset, received.payload.size());
      const FetchedObject& opened =
          objects_.open(received.payload.substr(0, url), received.payload.substr(url));
      reply.kind = Kind::opened;
      reply.object = opened.number;
      reply.size = opened.source->size();
      send_message(client.socket.get(), reply, opened.source->etag(), opened.file.descriptor());
    } else if (message.kind == Kind::list) {
      send_message(client.socket.get(), reply, objects_.list(received.payload));
    } else {
      send_message(client.socket.get(), reply,
                   objects_.read(message.object, message.offset, message.size));
    }
  } catch (const std::exception& error) {
    refuse(client, message.ticket, error.what());
  }
}

void Fetcher::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!requests_.empty()) {
      const auto request = std::move(requests_.front());
      requests_.pop_front();
      lock.unlock();
      request();
      lock.lock();
      continue;
    }
    const auto next = table_.next();
    if (!next) {
      refuse_without_room();
      changed_.wait(lock);
      continue;
    }
    // Under the lock: nobody may fetch into what is being removed.
    for (const KeyedRange& range : next->given_up) objects_.remove(range);
    if (next->fetch.size == 0) continue;
    lock.unlock();
    fetch(next->fetch);
    lock.lock();
  }
}

void Fetcher::fetch(const KeyedRange& range) {
  std::string failure;
  try {
    objects_.fetch(range);
  } catch (const std::exception& error) {
    failure = error.what();
  }
  const std::lock_guard lock(mutex_);
  answer(table_.fetched(range.key, failure.empty()), failure);
  changed_.notify_all();
}

void Fetcher::answer(const std::vector<Waiter>& waiters, const std::string& failure) {
  for (const Waiter& waiter : waiters) {
    const auto client = clients_.find(waiter.client);
    if (client == clients_.end()) continue;
    if (failure.empty()) {
      send_message(client->second->socket.get(), {.kind = Kind::held, .ticket = waiter.ticket});
    } else {
      refuse(*client->second, waiter.ticket, failure);
    }
  }
}

void Fetcher::refuse_without_room() {
  const auto waiters = table_.without_room();
  if (waiters.empty()) return;
  answer(waiters, fmt::format("dataset_cache.gib: {} hold no more than the blocks that are in use: "
                              "set it higher",
                              print_size(budget_)));
}

}  // namespace

void run_fetcher(FileDescriptor listener, const CacheOptions& options) {
  Fetcher fetcher(options);
  std::vector<ClientPointer> clients;
  int number = 0;
  for (;;) {
    std::vector<pollfd> events{{listener.get(), POLLIN, 0}};
    for (const auto& client : clients) events.push_back({client->socket.get(), POLLIN, 0});
    const int ready =
        ::poll(events.data(), events.size(), clients.empty() ? kLingerMilliseconds : -1);
    if (ready == 0) return;
    if (ready < 0) continue;
    std::vector<ClientPointer> left;
    for (size_t i = 0; i < clients.size(); ++i) {
      bool here = true;
      if (events[i + 1].revents != 0) {
        auto received = receive_message(clients[i]->socket.get());
        here = received.has_value();
        if (here) fetcher.take(clients[i], *std::move(received));
      }
      if (here) left.push_back(clients[i]);
      if (!here) fetcher.leave(clients[i]->number);
    }
    clients = std::move(left);
    if (events[0].revents == 0) continue;
    FileDescriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.is_open()) continue;
    clients.push_back(std::make_shared<const Client>(Client{++number, std::move(socket)}));
    fetcher.add(clients.back());
  }
}

}  // namespace ringtrain::storage
