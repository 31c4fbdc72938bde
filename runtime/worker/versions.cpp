// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker/versions.hpp"

#include <fmt/format.h>
#include <mpi.h>
#include <torch/version.h>

namespace ringtrain {

std::string versions() {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(mpi, &length);
  const std::string mpi_text(mpi, static_cast<size_t>(length));
  return fmt::format("ringtrain-worker {}\nlibtorch {}\nMPI {}", RINGTRAIN_VERSION, TORCH_VERSION,
                     mpi_text.substr(0, mpi_text.find(',')));
}

}  // namespace ringtrain
