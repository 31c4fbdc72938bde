// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace ringtrain {

// A process sees one slice of a partitioned GPU (MIG) at most, the first of those that are visible
// to it. Returns the slice that rank number local_rank of a node should see, as a value for
// CUDA_VISIBLE_DEVICES; nothing where the lists have less than two slices.
//
// cuda, nvidia: the values of CUDA_VISIBLE_DEVICES and of NVIDIA_VISIBLE_DEVICES, which containers
// have; null where they are not set. The former has precedence, as it has with CUDA.
std::optional<std::string> mig_slice_of(int local_rank, const char* cuda, const char* nvidia);

}  // namespace ringtrain
