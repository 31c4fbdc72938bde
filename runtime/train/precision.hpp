// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/job_spec.hpp"
#include "runtime/device/device.hpp"

namespace ringtrain {

// Returns the job's precision on this device: never `automatic`. Throws a job error where the
// device does not have it.
JobSpec::Precision precision_on(const Device& device, const JobSpec& job);

// Makes this process's libtorch, and NCCL before it starts, compute as the job's `precision` and
// `deterministic` say. Without effect on CPUs.
void set_arithmetic(const Device& device, const JobSpec& job);

}  // namespace ringtrain
