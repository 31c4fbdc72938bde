// SPDX-License-Identifier: Apache-2.0
// Stands in for the backends of GPUs in a build without CUDA.
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

std::unique_ptr<Collectives> make_nccl_collectives(const World&, const CommOptions&,
                                                   const DeviceMemory&, size_t) {
  refuse();
}

std::unique_ptr<Collectives> make_staged_collectives(std::unique_ptr<Collectives>,
                                                     const DeviceMemory&, size_t) {
  refuse();
}

}  // namespace ringtrain
