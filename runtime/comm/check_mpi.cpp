// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/check_mpi.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace ringtrain {

void check_mpi(int code, std::source_location where) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw lost_error(fmt::format("MPI: {} ({}:{})", text, where.file_name(), where.line()));
}

}  // namespace ringtrain
