// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/cache/host_cache.hpp"

namespace ringtrain::storage {

// The process `ringtrain fetch`: serves the ranks that connect to `listener` until a moment after
// the last of them is gone. Throws std::system_error.
void run_fetcher(FileDescriptor listener, const CacheOptions& options);

}  // namespace ringtrain::storage
