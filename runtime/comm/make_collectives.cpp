// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/error.hpp"
#include "runtime/comm/collectives.hpp"
#include "runtime/comm/host_collectives.hpp"
#include "runtime/comm/local_collectives.hpp"
#include "runtime/comm/nccl.hpp"
#include "runtime/comm/staged.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain {
namespace {

using Backend = CommOptions::Backend;

void refuse_unless_one_host(const World& world, Backend backend) {
  if (backend == Backend::shared_memory && world.node().size() < world.size()) {
    throw job_error(
        "communication.backend: shared_memory needs all ranks on one host; use auto, which uses "
        "shared memory inside hosts and MPI between them");
  }
}

// Ranks on different kinds of device would each wait for the others in another library.
void refuse_mixed_devices(const World& world, bool cuda) {
  const auto kinds = world.all_gather(cuda ? "a GPU" : "a CPU");
  for (size_t rank = 1; rank < kinds.size(); ++rank) {
    if (kinds[rank] == kinds[0]) continue;
    throw job_error(
        fmt::format("device: auto found {} for rank 0 on {}, but {} for rank {} on {}: set device: "
                    "cpu, or leave out the hosts without a GPU",
                    kinds[0], world.hosts()[0], kinds[rank], rank, world.hosts()[rank]));
  }
}

void refuse_what_staging_lacks(const CommOptions& options) {
  const bool bf16 = options.wire == CommOptions::Wire::bf16;
  if (!bf16 && !options.shard_optimizer) return;
  throw job_error(fmt::format(
      "communication.{} needs NCCL between GPUs, and here they communicate through host memory, "
      "because ranks share one or communication.backend says so: leave it out, or give "
      "each rank a GPU and set backend: nccl",
      bf16 ? "wire: bf16" : "shard_optimizer"));
}

// True if the job asks for NCCL, or it is best. Collective.
bool use_nccl(const World& world, Backend backend) {
  return backend == Backend::nccl || (backend == Backend::automatic && each_rank_has_a_gpu(world));
}

}  // namespace

std::unique_ptr<Collectives> make_collectives(const World& world, const CommOptions& options,
                                              const DeviceMemory& memory, size_t elements) {
  if (options.backend == Backend::nccl && !memory.cuda) {
    throw job_error(
        "communication.backend: nccl needs device: cuda and a build with CUDA; use auto otherwise");
  }
  if (options.backend == Backend::none || world.size() == 1) {
    return std::make_unique<LocalCollectives>(memory.allocate_zeros(elements),
                                              memory.allocate_zeros(elements));
  }
  refuse_mixed_devices(world, memory.cuda);
  if (memory.cuda && use_nccl(world, options.backend)) {
    return make_nccl_collectives(world, options, memory, elements);
  }
  if (memory.cuda) refuse_what_staging_lacks(options);
  refuse_unless_one_host(world, options.backend);
  const int node = options.backend == Backend::mpi ? world.rank() : world.node_index();
  auto host = std::make_unique<HostCollectives>(world, world.split(node), options, elements);
  if (memory.cuda) return make_staged_collectives(std::move(host), memory, elements);
  return host;
}

}  // namespace ringtrain
