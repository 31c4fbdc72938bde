// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <chrono>
#include <cstddef>
#include <source_location>
#include <string>
#include <vector>

#include "kernels/cuda_handles.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain {

// Throws a lost error with NCCL's own text, file and line unless code is ncclSuccess.
void check_nccl(ncclResult_t code, std::source_location where = std::source_location::current());

// A non-blocking NCCL communicator over all ranks of the world: a call that waits for a peer
// returns at once, and its state is polled until the deadline. (Waiting inside NCCL or CUDA for a
// peer that died would never end.)
//
// Every call throws a lost error where NCCL or CUDA fails or the deadline passes, after ending the
// kernels that wait for peers, so that the process can end.
class NcclComm {
 public:
  using Where = std::source_location;

  // Collective. `stream` must outlive this object.
  NcclComm(const World& world, std::chrono::duration<double> timeout, cudaStream_t stream);
  ~NcclComm();
  NcclComm(const NcclComm&) = delete;
  NcclComm& operator=(const NcclComm&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  ncclComm_t get() const { return comm_; }

  // Registers memory that NCCL gave with the network and with NVLink switches.
  void register_memory(void* memory, size_t bytes);

  // Throws after a failure, when there is nothing left to call.
  void check_usable() const;

  // Waits until NCCL has taken a call in.
  void settle(ncclResult_t code, Where where = Where::current());

  // Starts `calls`, which pass their codes to queued(), as one.
  template <class Calls>
  void grouped(const Calls& calls) {
    check_nccl(ncclGroupStart());
    calls();
    settle(ncclGroupEnd());
  }
  void queued(ncclResult_t code, Where where = Where::current());

  // Waits until the device has done the work on the stream.
  void finish(Where where = Where::current());

 private:
  ncclResult_t state() const;
  [[noreturn]] void give_up(const std::string& why, const Where& where);
  void abort();

  int rank_;
  int size_;
  std::chrono::duration<double> timeout_;
  cudaStream_t stream_;
  kernels::cuda::Event done_;
  ncclComm_t comm_ = nullptr;
  std::vector<void*> registrations_;
};

}  // namespace ringtrain
