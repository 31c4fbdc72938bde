// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/nccl_comm.hpp"

#include <fmt/format.h>

#include <cstring>
#include <thread>
#include <utility>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "kernels/cuda_check.hpp"

namespace ringtrain {
namespace {

using kernels::check_cuda;

[[noreturn]] void fail(const std::string& cause, const std::source_location& where) {
  throw lost_error(fmt::format("{} (in {}, {}:{})", cause, where.function_name(), where.file_name(),
                               where.line()));
}

ncclUniqueId broadcast_id(const World& world) {
  ncclUniqueId id{};
  std::string bytes;
  if (world.rank() == 0) {
    check_nccl(ncclGetUniqueId(&id));
    bytes.assign(id.internal, sizeof id.internal);
  }
  bytes = world.broadcast(std::move(bytes));
  std::memcpy(id.internal, bytes.data(), sizeof id.internal);
  return id;
}

// Eager at first, then out of the way of threads that compute.
void pause(int turn) {
  constexpr int kEagerTurns = 2000;
  if (turn < kEagerTurns) {
    std::this_thread::yield();
  } else {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

}  // namespace

void check_nccl(ncclResult_t code, std::source_location where) {
  if (code != ncclSuccess) fail(fmt::format("NCCL: {}", ncclGetErrorString(code)), where);
}

NcclComm::NcclComm(const World& world, std::chrono::duration<double> timeout, cudaStream_t stream)
    : rank_(world.rank()),
      size_(world.size()),
      timeout_(timeout),
      stream_(stream),
      done_(kernels::cuda::make_event()) {
  const ncclUniqueId id = broadcast_id(world);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  try {
    settle(ncclCommInitRankConfig(&comm_, size_, id, rank_, &config));
  } catch (...) {
    abort();
    throw;
  }
}

NcclComm::~NcclComm() {
  if (comm_ == nullptr) return;
  try {
    for (void* registration : registrations_) settle(ncclCommDeregister(comm_, registration));
    settle(ncclCommFinalize(comm_));
    ncclCommDestroy(comm_);
  } catch (const Error&) {
    abort();  // done by settle() already, unless that changes
  }
}

void NcclComm::register_memory(void* memory, size_t bytes) {
  void* registration = nullptr;
  settle(ncclCommRegister(comm_, memory, bytes, &registration));
  if (registration != nullptr) registrations_.push_back(registration);
}

void NcclComm::check_usable() const {
  if (comm_ == nullptr) throw lost_error("NCCL: used after a failure");
}

// A call may report success before its kernel is in the stream (nccl#1495), so the state of the
// communicator has the say.
void NcclComm::settle(ncclResult_t code, Where where) {
  const Deadline deadline(timeout_);
  for (int turn = 0; code == ncclSuccess || code == ncclInProgress; ++turn) {
    if (comm_ == nullptr) give_up("has no communicator", where);
    code = state();
    if (code == ncclSuccess) return;
    if (deadline.passed()) give_up("took too long to start", where);
    pause(turn);
  }
  give_up(ncclGetErrorString(code), where);
}

ncclResult_t NcclComm::state() const {
  ncclResult_t state = ncclSuccess;
  const ncclResult_t asked = ncclCommGetAsyncError(comm_, &state);
  return asked == ncclSuccess ? state : asked;
}

void NcclComm::queued(ncclResult_t code, Where where) {
  if (code != ncclSuccess && code != ncclInProgress) give_up(ncclGetErrorString(code), where);
}

void NcclComm::finish(Where where) {
  check_cuda(cudaEventRecord(done_.get(), stream_));
  const Deadline deadline(timeout_);
  for (int turn = 0;; ++turn) {
    const cudaError_t done = cudaEventQuery(done_.get());
    if (done == cudaSuccess) return;
    if (done != cudaErrorNotReady) give_up(cudaGetErrorString(done), where);
    const ncclResult_t now = state();
    if (now != ncclSuccess && now != ncclInProgress) give_up(ncclGetErrorString(now), where);
    if (deadline.passed()) {
      give_up(fmt::format("a peer did not answer within {} s (communication.timeout_seconds)",
                          timeout_.count()),
              where);
    }
    pause(turn);
  }
}

void NcclComm::give_up(const std::string& why, const Where& where) {
  std::string detail;
  if (comm_ != nullptr) {
    const char* last = ncclGetLastError(comm_);
    if (last != nullptr && *last != '\0') detail = fmt::format(": {}", last);
  }
  abort();
  fail(fmt::format("NCCL on rank {}: {}{}", rank_, why, detail), where);
}

void NcclComm::abort() {
  if (comm_ != nullptr) ncclCommAbort(comm_);
  comm_ = nullptr;
  registrations_.clear();
}

}  // namespace ringtrain
