// SPDX-License-Identifier: Apache-2.0
#include "python/src/post.hpp"

namespace ringtrain::python {

using collectives::Mailbox;

Post::Post(std::shared_ptr<collectives::SharedRegion> region)
    : rank_(region->rank()), mailbox_(std::move(region)) {}

Post::~Post() {
  stop();
  if (thread_.joinable()) thread_.join();
}

// The thread finds the region closed, and fails what is pending.
void Post::stop() {
  const std::lock_guard lock(mutex_);
  ends_ = true;
  changed_.notify_all();
}

bool Post::runs_here() {
  const std::lock_guard lock(mutex_);
  return thread_.get_id() == std::this_thread::get_id();
}

c10::intrusive_ptr<c10d::Work> Post::send(const at::Tensor& tensor, int to, int tag,
                                          std::chrono::milliseconds timeout) {
  return follow(c10d::OpType::SEND, tensor,
                [&](std::span<std::byte> data) { return mailbox_.send(data, to, tag, timeout); });
}

c10::intrusive_ptr<c10d::Work> Post::receive(at::Tensor& tensor, int from, int tag,
                                             std::chrono::milliseconds timeout) {
  const bool any = from == Mailbox::kAnySource;
  return follow(
      any ? c10d::OpType::RECVANYSOURCE : c10d::OpType::RECV, tensor,
      [&](std::span<std::byte> data) { return mailbox_.receive(data, from, tag, timeout); });
}

c10::intrusive_ptr<c10d::Work> Post::follow(
    c10d::OpType operation, const at::Tensor& tensor,
    const std::function<Request(std::span<std::byte>)>& start) {
  const Row row(tensor);
  const auto data = row.elements();
  const auto work =
      c10::make_intrusive<CallWork>(rank_, operation, std::vector<at::Tensor>{tensor});
  Finished finished;
  try {
    const std::lock_guard lock(mutex_);
    pending_.emplace(start({data.data, data.bytes()}), Pending{work, row});
    finished = take_finished();
    if (!pending_.empty() && !thread_.joinable()) thread_ = std::thread([this] { loop(); });
    changed_.notify_all();
  } catch (...) {
    rethrow_for_torch();
  }
  complete(finished);
  return work;
}

// Requires: mutex_ is held, so all that the mailbox reports is pending.
Post::Finished Post::take_finished() {
  Finished finished;
  for (const Request& request : mailbox_.progress()) {
    auto found = pending_.extract(request);
    finished.emplace_back(request, std::move(found.mapped()));
  }
  return finished;
}

// Requires: mutex_ is not held: callbacks may send and receive.
void Post::complete(const Finished& finished) {
  for (const auto& [request, pending] : finished) {
    try {
      if (!request->error.empty()) C10_THROW_ERROR(DistBackendError, request->error);
      if (!request->sends) pending.row.store();
    } catch (...) {
      pending.work->complete(std::current_exception());
      continue;
    }
    pending.work->complete_from(request->peer);
  }
}

void Post::fail_all(std::exception_ptr error) {
  std::map<Request, Pending> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(pending_);
  }
  for (auto& [request, pending] : all) pending.work->complete(error);
}

void Post::loop() {
  while (true) {
    Finished finished;
    try {
      try {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ends_ || !pending_.empty(); });
        if (pending_.empty()) return;
        finished = take_finished();
        lock.unlock();
        if (finished.empty()) mailbox_.wait();
      } catch (...) {
        rethrow_for_torch();
      }
    } catch (...) {
      fail_all(std::current_exception());
    }
    complete(finished);
  }
}

}  // namespace ringtrain::python
