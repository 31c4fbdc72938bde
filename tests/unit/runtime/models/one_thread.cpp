// SPDX-License-Identifier: Apache-2.0
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace ringtrain {
namespace {

// Threads that wait for each other make these small computations slow on a busy machine.
class OneThread : public testing::Environment {
  void SetUp() override { at::set_num_threads(1); }
};

[[maybe_unused]] const auto* const registered = testing::AddGlobalTestEnvironment(new OneThread);

}  // namespace
}  // namespace ringtrain
