// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/nccl_stream_sum.hpp"

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <utility>

#include "runtime/comm/nccl_comm.hpp"

namespace ringtrain {
namespace {

// A communicator is for one stream at a time, so this is another one than that of the gradients. It
// is no part of that by ncclCommSplit(), which would be settled by asking the other for its state.
class NcclStreamSum final : public StreamSum {
 public:
  NcclStreamSum(const World& world, std::chrono::duration<double> timeout,
                std::function<void*()> current_stream)
      : current_stream_(std::move(current_stream)), comm_(world, timeout, /*stream=*/nullptr) {}

  void start(float* values, size_t n) override {
    comm_.check_usable();
    comm_.settle(ncclAllReduce(values, values, n, ncclFloat, ncclSum, comm_.get(),
                               static_cast<cudaStream_t>(current_stream_())));
  }

 private:
  std::function<void*()> current_stream_;
  NcclComm comm_;
};

}  // namespace

std::unique_ptr<StreamSum> make_nccl_stream_sum(const World& world,
                                                std::chrono::duration<double> timeout,
                                                std::function<void*()> current_stream) {
  return std::make_unique<NcclStreamSum>(world, timeout, std::move(current_stream));
}

}  // namespace ringtrain
