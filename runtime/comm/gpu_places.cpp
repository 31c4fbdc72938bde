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

// Returns host and GPU of every rank, by rank.
std::vector<std::string> places_of(const World& world) {
  int device = 0;
  check_cuda(cudaGetDevice(&device));
  char bus_id[32] = {};
  check_cuda(cudaDeviceGetPCIBusId(bus_id, sizeof bus_id, device));
  return world.all_gather(world.hosts()[static_cast<size_t>(world.rank())] + " GPU " + bus_id);
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
  const std::vector<std::string> places = places_of(world);
  return std::set<std::string>(places.begin(), places.end()).size() == places.size();
}

}  // namespace ringtrain
