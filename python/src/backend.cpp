// SPDX-License-Identifier: Apache-2.0
// The backend's life, and how it runs calls; the operations are in operations.cpp.
#include "python/src/backend.hpp"

#include "base/error.hpp"

namespace ringtrain::python {

Backend::Backend(std::shared_ptr<collectives::SharedRegion> region,
                 c10::intrusive_ptr<Options> options)
    : c10d::Backend(region->rank(), region->size()),
      region_(std::move(region)),
      options_(std::move(options)),
      communicator_(region_),
      arena_(std::make_shared<collectives::Arena>(region_)),
      queue_(std::make_unique<CallQueue>()),
      post_(std::make_unique<Post>(region_)) {}

Backend::~Backend() { shutdown(); }

// Tensors of the arena may live on.
void Backend::shutdown() {
  region_->close();
  queue_.reset();
  post_.reset();
}

c10d::ErrorType Backend::getError() {
  try {
    region_->check();
    return c10d::ErrorType::SUCCESS;
  } catch (const Error& error) {
    const bool late = std::string(error.what()).find("Timed out") != std::string::npos;
    return late ? c10d::ErrorType::TIMEOUT : c10d::ErrorType::REMOTE_ERROR;
  }
}

at::Tensor Backend::allocateTensor(long size, at::TensorOptions options) {
  const auto bytes = static_cast<size_t>(size) * options.dtype().itemsize();
  std::byte* block = arena_->allocate(bytes);
  if (block == nullptr) return at::empty({size}, options);
  // The tensor may outlive the group.
  return at::from_blob(
      block, {size}, [arena = arena_](void* data) { arena->free(static_cast<std::byte*>(data)); },
      options);
}

WorkPtr Backend::start(c10d::OpType operation, bool async, std::chrono::milliseconds timeout,
                       Tensors results, Call call) {
  TORCH_CHECK(queue_ != nullptr, "ringtrain: the group was destroyed");
  ++calls_;
  if (timeout == c10d::kUnsetTimeout) timeout = options_->timeout;
  auto work = c10::make_intrusive<CallWork>(rank_, operation, std::move(results));
  queue_->run(!async, [work, timeout, call = std::move(call)] {
    try {
      try {
        call(timeout);
      } catch (...) {
        rethrow_for_torch();
      }
      work->complete();
    } catch (...) {
      work->complete(std::current_exception());
    }
  });
  return work;
}

}  // namespace ringtrain::python
