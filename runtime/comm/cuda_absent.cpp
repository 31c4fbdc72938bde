// SPDX-License-Identifier: Apache-2.0
// Stands in for nccl.cpp and staged.cpp in a build without CUDA.
#include "base/error.hpp"
#include "runtime/comm/nccl.hpp"
#include "runtime/comm/staged.hpp"

namespace ringtrain {
namespace {

[[noreturn]] void refuse() {
  throw job_error("this ringtrain was built without CUDA: use a build of the preset cuda");
}

}  // namespace

bool each_rank_has_a_gpu(const World&) { return false; }

std::unique_ptr<Communicator> make_nccl_communicator(const World&, const CommunicationSpec&,
                                                     const DeviceMemory&, size_t) {
  refuse();
}

std::unique_ptr<Communicator> make_staged_communicator(std::unique_ptr<Communicator>,
                                                       const DeviceMemory&, size_t) {
  refuse();
}

}  // namespace ringtrain
