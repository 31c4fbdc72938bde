// SPDX-License-Identifier: Apache-2.0
// How host drivers walk over elements: compiled several times for newer instruction sets, and with
// the squared norm of what is stored on the side, in an order that depends on the element's place
// alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/element.hpp"
#include "kernels/host_variants.hpp"
#include "kernels/stats.hpp"

namespace ringtrain::kernels {

// Squares are summed in double, block after block. A block's elements are dealt out to lanes like
// cards, and the lanes are added up at the end: a loop over lanes becomes whole vectors, whatever
// their width, in the same order of additions.
inline constexpr size_t kNormBlockElements = 4096;
inline constexpr size_t kNormLanes = 64;

// Drivers that also want the norm take this many elements at a time, so that the second look finds
// them in the L1 cache.
inline constexpr size_t kTileElements = 512;
inline constexpr size_t kTileRows = kTileElements / kNormLanes;
static_assert(kTileRows == 8 && kNormBlockElements % kTileElements == 0);

// The sum of squares of a range, tile after tile.
class SumOfSquares {
 public:
  // Adds a tile: kTileElements of them, or fewer for the last of a range.
  template <class Stored>
  RINGTRAIN_INLINE void add(const Stored* tile, size_t n) {
    if (n == kTileElements) {
      const auto square = [=](size_t row, size_t lane) RINGTRAIN_INLINE {
        return squared(to_float(tile[row * kNormLanes + lane]));
      };
      for (size_t lane = 0; lane < kNormLanes; ++lane) {
        lanes_[lane] +=
            ((square(0, lane) + square(1, lane)) + (square(2, lane) + square(3, lane))) +
            ((square(4, lane) + square(5, lane)) + (square(6, lane) + square(7, lane)));
      }
      return;
    }
    for (size_t first = 0; first < n; first += kNormLanes) {
      const size_t width = std::min(kNormLanes, n - first);
      for (size_t lane = 0; lane < width; ++lane) {
        lanes_[lane] += squared(to_float(tile[first + lane]));
      }
    }
  }

  // Adds up the lanes and empties them, for the next block.
  RINGTRAIN_INLINE double take() {
    for (size_t width = kNormLanes / 2; width > 0; width /= 2) {
      for (size_t lane = 0; lane < width; ++lane) lanes_[lane] += lanes_[lane + width];
    }
    const double total = lanes_[0];
    std::fill(lanes_, lanes_ + kNormLanes, 0.0);
    return total;
  }

 private:
  double lanes_[kNormLanes] = {};
};

// Goes through elements 0 .. n tile by tile; visit(first, count) deals with elements first .. first
// + count and returns where their values lie. Returns so_far plus their squares.
template <class Visit>
inline RINGTRAIN_INLINE double add_squares(size_t n, Visit visit, double so_far) {
  SumOfSquares squares;
  for (size_t block = 0; block < n; block += kNormBlockElements) {
    const size_t end = std::min(n, block + kNormBlockElements);
    for (size_t first = block; first < end; first += kTileElements) {
      const size_t count = std::min(kTileElements, end - first);
      squares.add(visit(first, count), count);
    }
    so_far += squares.take();
  }
  return so_far;
}

// Whether all of n values are finite: without their sign, the bits of floats are in the order of
// their values, infinity and NaN last.
template <class Stored>
inline RINGTRAIN_INLINE bool all_finite(const Stored* values, size_t n) {
  constexpr uint32_t kInfinity = 0x7f800000U;
  uint32_t largest = 0;
  for (size_t i = 0; i < n; ++i) {
    largest = std::max(largest, bits_of(to_float(values[i])) & 0x7fffffffU);
  }
  return largest < kInfinity;
}

inline constexpr size_t kCacheLineBytes = 64;

// Updates `shared` element by element, update(i) for 0 .. n. Its cache lines are in the caches of
// all ranks of the node, which have read them; a store to such a line waits until the others have
// dropped it, one store at a time, unless it has been asked for ahead. (Between two L3 caches that
// is 180 ns a line, a fifth of a step of a large perceptron.)
template <class Update>
inline RINGTRAIN_INLINE void update_shared(float* shared, size_t n, const Update& update) {
  for (size_t first = 0; first < n; first += kTileElements) {
    for (size_t i = first + 2 * kTileElements; i < first + 3 * kTileElements;
         i += kCacheLineBytes / sizeof(float)) {
      __builtin_prefetch(shared + i, 1);
    }
    const size_t end = std::min(n, first + kTileElements);
#pragma GCC ivdep
    for (size_t i = first; i < end; ++i) update(i);
  }
}

// Stores n elements in `out`, element i from load(i), and returns so_far with the stored values
// added. `out` may be an input of load(i) at the same place i: that is what ivdep says, and without
// it GCC would fall back to single elements. load.prefetch(i) asks for the inputs of element i.
template <class Stored, class Load>
inline RINGTRAIN_INLINE GradientStats store_with_stats(Stored* out, size_t n, const Load& load,
                                                       const GradientStats& so_far,
                                                       Measure measure) {
  const auto store = [out, &load](size_t first, size_t count) RINGTRAIN_INLINE {
#pragma GCC ivdep
    for (size_t i = first; i < first + count; ++i) out[i] = to<Stored>(load(i));
    return out + first;
  };
  if (measure == Measure::finite) {
    bool finite = so_far.finite;
    for (size_t first = 0; first < n; first += kTileElements) {
      const size_t count = std::min(kTileElements, n - first);
      finite &= all_finite(store(first, count), count);
    }
    return {so_far.squared_norm, finite};
  }
  // Squaring a tile takes long enough for the memory to fall idle: the next one is prefetched.
  // (Prefetching past the end of an array is allowed.)
  const auto store_and_prefetch = [out, &load, store](size_t first, size_t count) RINGTRAIN_INLINE {
    store(first, count);
    for (size_t i = first + kTileElements; i < first + 2 * kTileElements;
         i += kCacheLineBytes / sizeof(float)) {
      load.prefetch(i);
      __builtin_prefetch(out + i + kTileElements, 1);
    }
    return out + first;
  };
  const double squared_norm = add_squares(n, store_and_prefetch, so_far.squared_norm);
  return {squared_norm, so_far.finite && std::isfinite(squared_norm)};
}

}  // namespace ringtrain::kernels
