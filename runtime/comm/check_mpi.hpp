// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mpi.h>

#include <source_location>

namespace ringtrain {

// Throws a lost error with MPI's own text, file and line unless code is MPI_SUCCESS.
void check_mpi(int code, std::source_location where = std::source_location::current());

}  // namespace ringtrain
