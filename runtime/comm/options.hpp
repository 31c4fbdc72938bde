// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "collectives/wire.hpp"

namespace ringtrain {

// How ranks communicate, as the job file's group `communication` has it.
struct CommOptions {
  // none: every rank trains alone, to measure what averaging costs the others.
  enum class Backend { automatic, shared_memory, mpi, nccl, none };
  enum class Algorithm { automatic, direct, ring };
  using Wire = collectives::Wire;

  Backend backend = Backend::automatic;
  Algorithm algorithm = Algorithm::automatic;
  Wire wire = Wire::fp32;
  bool shard_optimizer = false;  // ZeRO stage 1 (Rajbhandari et al. 2020)
  double timeout_seconds = 300;  // of a wait for other ranks
};

}  // namespace ringtrain
