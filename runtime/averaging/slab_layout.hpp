// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/range.hpp"

namespace ringtrain {

// The place of each parameter in the flat slabs (gradients and parameters alike). Parameters follow
// each other in the order in which their gradients arrive in the backward pass, so that the slab's
// beginning is complete early.
class SlabLayout {
 public:
  // sizes: elements of each parameter. arrival: the parameters' indices in the order of arrival.
  // channels_last: parameters [out, in, height, width] lie in slabs as [out, height, width, in].
  // Throws std::logic_error unless `arrival` names each parameter once.
  SlabLayout(std::span<const size_t> sizes, std::span<const size_t> arrival,
             bool channels_last = false);

  // Length of the slab: parameters start at cache lines, so it is a little more than their sum.
  size_t elements() const { return elements_; }
  const Range& parameter(size_t index) const { return parameters_[index]; }
  // The parameters' indices in the order of the slab.
  const std::vector<size_t>& order() const { return order_; }
  bool channels_last() const { return channels_last_; }

 private:
  size_t elements_ = 0;
  std::vector<Range> parameters_;
  std::vector<size_t> order_;
  bool channels_last_;
};

// Cuts a slab into buckets of at most `bucket` elements, by size alone: a large tensor is split,
// and no bucket waits for more than it holds. The last bucket, whose sum nothing hides, is small.
std::vector<Range> cut_into_buckets(size_t elements, size_t bucket);

}  // namespace ringtrain
