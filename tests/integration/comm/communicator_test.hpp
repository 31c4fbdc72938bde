// SPDX-License-Identifier: Apache-2.0
// Every backend against a reference sum: what all of them must do. Which there are is told where
// the suite is instantiated: host_backends.cpp, gpu_backends.cpp.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "runtime/averaging/communication_thread.hpp"
#include "runtime/comm/communicator.hpp"
#include "tests/integration/mpi_main.hpp"

namespace ringtrain {

// A backend as a test makes it; its parameters and gradients are memory that the host reads.
struct Case {
  using Make = std::function<std::unique_ptr<Communicator>(const World&, CommunicationSpec,
                                                           size_t elements)>;
  std::string name;
  CommunicationSpec spec;
  Make make;
};
inline void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

inline void write(Communicator& communicator, size_t i, float value) {
  if (auto* wire = communicator.wire()) {
    wire[i] = kernels::to_bf16(value);
  } else {
    communicator.gradients()[i] = value;
  }
}

inline float value(int rank, size_t i) {
  return static_cast<float>(rank + 1) * std::sin(static_cast<float>(i % 1000) + 1);
}

class CommunicatorTest : public testing::TestWithParam<Case> {
 protected:
  const World& world = test_world();

  std::unique_ptr<Communicator> make(size_t elements, double timeout = 60) const {
    CommunicationSpec spec = GetParam().spec;
    spec.timeout_seconds = timeout;
    return GetParam().make(world, spec, elements);
  }

  // bf16 keeps 8 bits of each addend, and of the sum between nodes.
  double tolerance() const {
    const double ranks = world.size();
    const bool bf16 = GetParam().spec.wire == CommunicationSpec::Wire::bf16;
    return (bf16 ? 1.0 / 128 : 1e-5) * ranks * ranks;
  }

  // One step in which the parameters become the sum of the gradients; then all of them are checked.
  void step(Communicator& communicator, Exchange& exchange, const std::vector<Range>& buckets,
            size_t elements) const {
    for (size_t i = 0; i < elements; ++i) write(communicator, i, value(world.rank(), i));
    double one = 1;
    exchange.sum({&one, 1});
    ASSERT_EQ(one, world.size());
    for (const Range& bucket : buckets) {
      exchange.wait(exchange.reduce(bucket));
      const Range share = communicator.share(bucket);
      std::memcpy(communicator.parameters() + share.begin, communicator.gradients() + share.begin,
                  share.size() * sizeof(float));
    }
    exchange.publish(buckets);
    for (size_t i = 0; i < elements; ++i) {
      double expected = 0;
      for (int r = 0; r < world.size(); ++r) expected += value(r, i);
      ASSERT_NEAR(communicator.parameters()[i], expected, tolerance())
          << "element " << i << " of " << elements;
    }
    exchange.publish(
        buckets);  // nobody writes the next step's parameters before all have looked at these
  }
};

}  // namespace ringtrain
