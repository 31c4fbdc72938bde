// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include "base/round_up.hpp"
#include "datasets/reading/reader.hpp"
#include "job/job_spec.hpp"
#include "runtime/device/device.hpp"
#include "storage/cache/host_cache.hpp"

namespace ringtrain {

// Returns the cache of a dataset at a URL.
inline storage::CacheOptions cache_options(const JobSpec& job) {
  constexpr double kGiB = 1 << 30;
  return {.bytes = static_cast<uint64_t>(job.dataset_cache.gib * kGiB),
          .folder = job.dataset_cache.folder};
}

// Returns how a rank reads a split: training samples shuffled, test samples in order and in larger
// batches, as there is no backward pass to keep memory for. `device` must outlive the reader.
inline datasets::ReaderOptions reader_options(const JobSpec& job, datasets::Split split, int rank,
                                              int world_size, Device& device) {
  constexpr uint64_t kTestBatch = 1024;
  const bool train = split == datasets::Split::train;
  const auto batch = static_cast<uint64_t>(job.batch_size);
  // A GPU takes a batch in one copy, from pinned memory, while the next two are prepared; the CPU's
  // kernel reads rows in place.
  return {.rank = rank,
          .world_size = world_size,
          .batch_size = train ? batch : std::max(batch, kTestBatch),
          .rows = train ? static_cast<uint64_t>(job.samples.value_or(0)) : 0,
          .seed = job.seed,
          .shuffle = train,
          .contiguous = device.torch().is_cuda(),
          .kept = device.runs_behind() ? 3 : 1,
          .cache = cache_options(job),
          .allocate = [&device](size_t bytes) {
            const auto memory = device.allocate_host_zeros(divide_up(bytes, sizeof(float)));
            return std::shared_ptr<std::byte[]>(memory, reinterpret_cast<std::byte*>(memory.get()));
          }};
}

}  // namespace ringtrain
