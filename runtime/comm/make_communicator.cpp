// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "runtime/comm/communicator.hpp"
#include "runtime/comm/host_communicator.hpp"
#include "runtime/comm/local_communicator.hpp"
#include "runtime/comm/nccl.hpp"
#include "runtime/comm/world.hpp"
#include "runtime/job/error.hpp"

namespace ringtrain {
namespace {

using Backend = CommunicationSpec::Backend;

void refuse_unless_one_host(const World& world, Backend backend) {
  if (backend == Backend::shared_memory && world.node().size() < world.size()) {
    throw JobError(
        "communication.backend: shared_memory needs all ranks on one host; use auto, which uses shared "
        "memory inside hosts and MPI between them");
  }
}

}  // namespace

std::unique_ptr<Communicator> make_communicator(const World& world, const CommunicationSpec& spec,
                                                const DeviceMemory& memory, size_t elements) {
  if (spec.backend == Backend::nccl && !memory.cuda) {
    throw JobError(
        "communication.backend: nccl needs device: cuda and a build with CUDA; use auto otherwise");
  }
  if (spec.backend == Backend::none || world.size() == 1) {
    return std::make_unique<LocalCommunicator>(memory.allocate_zeros(elements),
                                               memory.allocate_zeros(elements));
  }
  if (memory.cuda) return make_nccl_communicator(world, spec, elements);
  refuse_unless_one_host(world, spec.backend);
  const int node = spec.backend == Backend::mpi ? world.rank() : world.node_index();
  return std::make_unique<HostCommunicator>(world, world.split(node), spec, elements);
}

}  // namespace ringtrain
