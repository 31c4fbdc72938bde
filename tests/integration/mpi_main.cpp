// SPDX-License-Identifier: Apache-2.0
// GoogleTest on every rank of a real MPI job. A rank that fails an assertion leaves the others
// waiting in the next collective, so it ends the job at the end of that test.
#include "tests/integration/mpi_main.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace ringtrain {
namespace {

std::unique_ptr<World> the_world;

class EndTheJobOnFailure : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo& info) override {
    if (info.result()->Failed()) World::abort(1);
  }
};

}  // namespace

const World& test_world() { return *the_world; }

}  // namespace ringtrain

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  ringtrain::the_world = std::make_unique<ringtrain::World>();
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (ringtrain::the_world->rank() != 0)
    delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new ringtrain::EndTheJobOnFailure);
  const int code = RUN_ALL_TESTS();
  ringtrain::the_world.reset();
  return code;
}
