// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker/versions.hpp"

#include <fmt/format.h>
#include <torch/version.h>

#include "runtime/comm/world.hpp"

namespace ringtrain {

std::string versions() {
  return fmt::format("ringtrain-worker {}\nlibtorch {}\nMPI {}", RINGTRAIN_VERSION, TORCH_VERSION,
                     mpi_version());
}

}  // namespace ringtrain
