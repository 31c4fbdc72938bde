// SPDX-License-Identifier: Apache-2.0
// Every backend against a reference sum: requirements that all of them share. host_backends.cpp and
// gpu_backends.cpp list the backends, by instantiating the suite.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "runtime/averaging/communication_thread.hpp"
#include "runtime/comm/collectives.hpp"
#include "tests/integration/mpi_main.hpp"

namespace ringtrain {

// A backend as a test makes it.
struct Case {
  using Make =
      std::function<std::unique_ptr<Collectives>(const World&, CommOptions, size_t elements)>;
  std::string name;
  CommOptions options;
  Make make;
};
inline void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// Copies between slabs, which may be memory of a device, and memory of the host, after all work
// under way. Defined beside the list of backends.
void copy_bytes(void* to, const void* from, size_t bytes);

inline float value(int rank, size_t i) {
  return static_cast<float>(rank + 1) * std::sin(static_cast<float>(i % 1000) + 1);
}

inline std::vector<float> values_of(int rank, size_t elements) {
  std::vector<float> values(elements);
  for (size_t i = 0; i < elements; ++i) values[i] = value(rank, i);
  return values;
}

inline void write(const Slabs& slabs, const std::vector<float>& gradients) {
  if (slabs.wire == nullptr) {
    copy_bytes(slabs.gradients, gradients.data(), gradients.size() * sizeof(float));
    return;
  }
  std::vector<kernels::bf16> rounded;
  for (const float gradient : gradients) rounded.push_back(kernels::to_bf16(gradient));
  copy_bytes(slabs.wire, rounded.data(), rounded.size() * sizeof(kernels::bf16));
}

inline std::vector<float> read(const float* slab, size_t elements) {
  std::vector<float> values(elements);
  copy_bytes(values.data(), slab, elements * sizeof(float));
  return values;
}

// Makes this rank's share of each bucket the sum of the gradients, and the parameters that sum.
inline void sum_into_parameters(Collectives& collectives, CommunicationThread& thread,
                                const std::vector<Range>& buckets) {
  const Slabs slabs = collectives.slabs();
  for (const Range& bucket : buckets) {
    collectives.mark_written(bucket);
    thread.wait(thread.reduce_scatter({&bucket, 1}));
    const Range share = collectives.share(bucket);
    copy_bytes(slabs.parameters + share.begin, slabs.gradients + share.begin,
               share.size() * sizeof(float));
  }
  thread.all_gather(buckets);
}

class BackendTest : public testing::TestWithParam<Case> {
 protected:
  const World& world = test_world();

  std::unique_ptr<Collectives> make(size_t elements, double timeout = 60) const {
    CommOptions options = GetParam().options;
    options.timeout_seconds = timeout;
    return GetParam().make(world, options, elements);
  }

  // bf16 keeps 8 bits of each addend, and of the sum between nodes.
  double tolerance() const {
    const double ranks = world.size();
    const bool bf16 = GetParam().options.wire == CommOptions::Wire::bf16;
    return (bf16 ? 1.0 / 128 : 1e-5) * ranks * ranks;
  }

  // Takes a step in which the parameters become the sum of the gradients, and checks all of them.
  void step(Collectives& collectives, CommunicationThread& thread,
            const std::vector<Range>& buckets, size_t elements) const {
    const Slabs slabs = collectives.slabs();
    write(slabs, values_of(world.rank(), elements));
    double one = 1;
    thread.all_reduce({&one, 1});
    ASSERT_EQ(one, world.size());
    sum_into_parameters(collectives, thread, buckets);
    const std::vector<float> sums = read(slabs.parameters, elements);
    for (size_t i = 0; i < elements; ++i) {
      double expected = 0;
      for (int r = 0; r < world.size(); ++r) expected += value(r, i);
      ASSERT_NEAR(sums[i], expected, tolerance()) << "element " << i << " of " << elements;
    }
    thread.barrier();  // every rank has looked before the next step writes parameters
  }
};

}  // namespace ringtrain
