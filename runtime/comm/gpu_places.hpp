// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/comm/world.hpp"

namespace ringtrain {

// Throws a job error that names two ranks if they share a GPU: NCCL would hang, or fail with a
// message that names neither. Collective.
void refuse_shared_gpus(const World& world);

}  // namespace ringtrain
