// SPDX-License-Identifier: Apache-2.0
// Stands in for nccl.cpp in a build without CUDA.
#include "runtime/comm/nccl.hpp"
#include "runtime/job/error.hpp"

namespace ringtrain {

std::unique_ptr<Communicator> make_nccl_communicator(const World&, const CommunicationSpec&, size_t) {
  throw JobError("this ringtrain was built without CUDA: use a build of the preset cuda");
}

}  // namespace ringtrain
