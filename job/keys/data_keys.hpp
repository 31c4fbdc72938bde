// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/job_spec.hpp"
#include "job/keys/key_group.hpp"

namespace ringtrain {

// Describe the keys of augment and dataset_cache.
KeyGroup<AugmentSpec> augment_keys();
KeyGroup<DatasetCacheSpec> dataset_cache_keys();

}  // namespace ringtrain
