// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker/trace_files.hpp"

#include <fmt/format.h>

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "runtime/worker/run_on_all_ranks.hpp"

namespace ringtrain {

void write_own_trace(const Trace& trace, const std::filesystem::path& output, int rank,
                     const Reporter& reporter) {
  try {
    std::filesystem::create_directories(output);  // only rank 0's host has it for sure
    write_trace(output / fmt::format("trace-{}.json", rank), {trace.events()});
  } catch (const std::exception& error) {
    reporter.warn(error.what());
  }
}

void write_joint_trace(const World& world, const Trace& trace,
                       const std::filesystem::path& output) {
  std::vector<std::string> events;
  for (int rank = 0; rank < world.size(); ++rank) {
    std::string one = world.broadcast(rank == world.rank() ? trace.events() : "", rank);
    if (world.rank() == 0) events.push_back(std::move(one));
  }
  run_on_all_ranks(world, [&] {
    if (world.rank() == 0) write_trace(output / "trace.json", events);
  });
}

}  // namespace ringtrain
