// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/range.hpp"
#include "runtime/averaging/slab_layout.hpp"
#include "runtime/comm/collectives.hpp"

namespace ringtrain {

// How the slabs of a model are divided: by parameters, by buckets, and by this rank's share of each
// bucket. The same for gradients, parameters and optimizer state.
//
//   parameters |  fc2.weight  |b|   fc1.weight    |b|
//   buckets    |   bucket 0   |   bucket 1  | bucket 2
//   shares       [rank 0|rank 1][rank 0|rank 1]...
struct ParameterSpace {
  ParameterSpace(SlabLayout of, size_t bucket_elements, const Collectives& collectives)
      : layout(std::move(of)), buckets(cut_into_buckets(layout.elements(), bucket_elements)) {
    for (const Range& bucket : buckets) shares.push_back(collectives.share(bucket));
  }

  size_t elements() const { return layout.elements(); }
  Range all() const { return {0, layout.elements()}; }

  SlabLayout layout;
  std::vector<Range> buckets;
  std::vector<Range> shares;  // of this rank, by bucket
};

}  // namespace ringtrain
