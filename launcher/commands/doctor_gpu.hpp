// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "launcher/commands/doctor.hpp"

namespace ringtrain::launcher {

// Look up GPUs and NCCL by loading their libraries, which are not linked.
Finding examine_gpu();
Finding examine_nccl();

}  // namespace ringtrain::launcher
