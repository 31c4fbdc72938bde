// SPDX-License-Identifier: Apache-2.0
// The backend's life, and how it runs calls; the operations are in operations.cpp.
#include "python/src/backend.hpp"

#include <torch/csrc/utils/pybind.h>

#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

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

Backend::~Backend() {
  shutdown();
  // A child has no threads to join, and locks that another thread held at the fork. A callback that
  // drops the last reference would wait for itself.
  if (!region_->is_ours() || queue_->runs_here() || post_->runs_here()) {
    static_cast<void>(queue_.release());
    static_cast<void>(post_.release());
    return;
  }
  // The threads that are waited for may be about to call back into Python.
  std::optional<pybind11::gil_scoped_release> without_gil;
  if (Py_IsInitialized() != 0 && PyGILState_Check() != 0) without_gil.emplace();
  queue_.reset();
  post_.reset();
}

// Another thread may be in a call, and tensors of the arena may live on.
void Backend::shutdown() {
  region_->close();
  if (!region_->is_ours()) return;
  queue_->stop();
  post_->stop();
}

void Backend::check_process() const {
  TORCH_CHECK(region_->is_ours(),
              "ringtrain: this process was forked by a rank and is none: start a group of its own");
}

void Backend::fail(const std::string& reason) const {
  region_->break_group(c10::str("rank ", region_->name_of(rank_), " failed: ", reason));
}

int Backend::checked_rank(const char* what, int64_t rank) const {
  TORCH_CHECK(0 <= rank && rank < size_, "ringtrain: ", what, " ", rank, " is not one of the ",
              size_, " ranks of the group");
  return static_cast<int>(rank);
}

Post& Backend::post(int tag) {
  check_process();
  TORCH_CHECK_VALUE(tag >= 0, "Tag must be nonnegative");
  return *post_;
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
  TORCH_CHECK(options.device().is_cpu(), "ringtrain allocates CPU tensors, not on ",
              options.device());
  std::byte* block = arena_->allocate(bytes);
  if (block == nullptr) return at::empty({size}, options);
  // The tensor may outlive the group.
  return at::from_blob(
      block, {size}, [arena = arena_](void* data) { arena->free(static_cast<std::byte*>(data)); },
      options);
}

WorkPtr Backend::start(c10d::OpType operation, bool async, std::chrono::milliseconds timeout,
                       Tensors results, Call call) {
  check_process();
  ++calls_;
  if (timeout == c10d::kUnsetTimeout) timeout = options_->timeout;
  auto work = c10::make_intrusive<CallWork>(rank_, operation, std::move(results));
  queue_->run(!async, {work, [this, timeout, call = std::move(call)] {
                         try {
                           call(timeout);
                         } catch (const Error&) {
                           throw;
                         } catch (const std::exception& error) {
                           // This rank may have left the others in the middle of the call.
                           fail(first_line(error.what()));
                         }
                       }});
  return work;
}

}  // namespace ringtrain::python
