// SPDX-License-Identifier: Apache-2.0
#include "python/src/post.hpp"

#include <unistd.h>

namespace ringtrain::python {

using collectives::Mailbox;

Post::Post(std::shared_ptr<collectives::SharedRegion> region)
    : process_(getpid()), rank_(region->rank()), mailbox_(std::move(region)) {}

Post::~Post() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  mailbox_.wake();
  join_in(process_, thread_);
}

c10::intrusive_ptr<c10d::Work> Post::send(const at::Tensor& tensor, int to, int tag,
                                          std::chrono::milliseconds timeout) {
  Row row(tensor);
  const auto data = row.elements();
  const std::lock_guard lock(mutex_);
  try {
    const auto request = mailbox_.send({data.data, data.bytes()}, to, tag, timeout);
    return follow(request, {c10::make_intrusive<CallWork>(rank_, c10d::OpType::SEND,
                                                          std::vector<at::Tensor>{tensor}),
                            std::move(row)});
  } catch (...) {
    rethrow_for_torch();
  }
}

c10::intrusive_ptr<c10d::Work> Post::receive(at::Tensor& tensor, int from, int tag,
                                             std::chrono::milliseconds timeout) {
  Row row(tensor);
  const auto data = row.elements();
  const std::lock_guard lock(mutex_);
  const auto operation =
      from == Mailbox::kAnySource ? c10d::OpType::RECVANYSOURCE : c10d::OpType::RECV;
  try {
    const auto request = mailbox_.receive({data.data, data.bytes()}, from, tag, timeout);
    return follow(request,
                  {c10::make_intrusive<CallWork>(rank_, operation, std::vector<at::Tensor>{tensor}),
                   std::move(row)});
  } catch (...) {
    rethrow_for_torch();
  }
}

// Requires: mutex_ is held.
c10::intrusive_ptr<c10d::Work> Post::follow(const Request& request, Pending pending) {
  const auto work = pending.work;
  if (request->done) {
    complete(*request, pending);
    return work;
  }
  pending_.emplace(request, std::move(pending));
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  changed_.notify_all();
  mailbox_.wake();
  return work;
}

void Post::complete(const Mailbox::Request& request, const Pending& pending) {
  try {
    if (!request.error.empty()) C10_THROW_ERROR(DistBackendError, request.error);
    if (!request.sends) pending.row.store();
    pending.work->complete_from(request.peer);
  } catch (...) {
    pending.work->complete(std::current_exception());
  }
}

void Post::fail_all(std::exception_ptr error) {
  for (auto& [request, pending] : pending_) pending.work->complete(error);
  pending_.clear();
}

void Post::loop() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ends_ || !pending_.empty(); });
      if (ends_) return;
      for (const Request& request : mailbox_.progress()) {
        const auto found = pending_.find(request);
        complete(*request, found->second);
        pending_.erase(found);
      }
      if (pending_.empty()) continue;
    }
    try {
      try {
        mailbox_.wait();
      } catch (...) {
        rethrow_for_torch();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      fail_all(std::current_exception());
    }
  }
}

}  // namespace ringtrain::python
