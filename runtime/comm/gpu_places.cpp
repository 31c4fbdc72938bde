// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/gpu_places.hpp"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "kernels/cuda_check.hpp"
#include "runtime/comm/nccl.hpp"

namespace ringtrain {
namespace {

using kernels::check_cuda;

// Returns host and PCI address of every rank's GPU, by rank.
std::vector<std::string> places_of(const World& world) {
  int device = 0;
  check_cuda(cudaGetDevice(&device));
  char bus_id[32] = {};
  check_cuda(cudaDeviceGetPCIBusId(bus_id, sizeof bus_id, device));
  return world.all_gather(world.hosts()[static_cast<size_t>(world.rank())] + " GPU " + bus_id);
}

// Returns what NVIDIA numbers GPUs and their slices by, the same in every pod, by rank.
std::vector<std::string> uuids_of(const World& world) {
  int device = 0;
  check_cuda(cudaGetDevice(&device));
  cudaDeviceProp properties = {};
  check_cuda(cudaGetDeviceProperties(&properties, device));
  return world.all_gather({properties.uuid.bytes, sizeof properties.uuid.bytes});
}

bool all_differ(const std::vector<std::string>& values) {
  return std::set<std::string>(values.begin(), values.end()).size() == values.size();
}

}  // namespace

void refuse_shared_gpus(const World& world) {
  const std::vector<std::string> places = places_of(world);
  for (size_t a = 0; a < places.size(); ++a) {
    for (size_t b = a + 1; b < places.size(); ++b) {
      if (places[a] != places[b]) continue;
      throw job_error(fmt::format(
          "ranks {} and {} share {}: NCCL needs a device for each rank; start fewer ranks, or set "
          "communication.backend: auto, which communicates through host memory then",
          a, b, places[a]));
    }
  }
}

bool each_rank_has_a_gpu(const World& world) {
  // Slices of a card have one address and a UUID each; pods that take turns on a card have one UUID
  // and a host name each. NCCL looks at host and address.
  const bool places_differ = all_differ(places_of(world));
  return all_differ(uuids_of(world)) && places_differ;
}

}  // namespace ringtrain
