// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/scenario.hpp"

#include <algorithm>
#include <csignal>

namespace ringtrain::simulation {

using std::chrono::seconds;

Scenario draw_scenario(Random& random) {
  Scenario scenario;
  scenario.this_machine = random.chance(20);
  if (!scenario.this_machine) {
    scenario.hosts = static_cast<int>(random.between(1, 4));
    scenario.slots = static_cast<int>(random.between(1, 3));
    if (random.chance(60)) scenario.hosts_change_after = random.time(seconds(5), seconds(300));
  }
  const int all = scenario.hosts * scenario.slots;
  scenario.ranks =
      static_cast<int>(random.between(1, scenario.this_machine ? 4 : std::max(1, all)));
  if (random.chance(60)) {
    scenario.workers.min = static_cast<int>(random.between(1, scenario.ranks));
    if (random.chance(50)) {
      scenario.workers.max =
          static_cast<int>(random.between(scenario.ranks, std::max(scenario.ranks, all) + 2));
    }
  }
  scenario.restarts = static_cast<int>(random.between(0, 4));

  scenario.steps = random.between(1, 200);
  scenario.step_time = random.time(milliseconds(50), seconds(2));
  scenario.steps_per_epoch = random.between(1, scenario.steps);
  if (random.chance(80)) scenario.checkpoint_every = random.between(1, scenario.steps);
  scenario.can_save = random.chance(90);
  if (random.chance(30)) scenario.earlier_checkpoint = random.between(1, scenario.steps);

  scenario.percent_faults = static_cast<int>(random.between(0, 90));
  if (random.chance(30)) scenario.percent_bad_saves = static_cast<int>(random.between(1, 30));
  if (random.chance(20)) {
    constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
    const milliseconds at = random.time(milliseconds(0), seconds(300));
    scenario.stops.push_back({at, kSignals[random.between(0, 2)]});
    if (random.chance(30)) {
      scenario.stops.push_back({at + random.time(milliseconds(1), seconds(20)), SIGINT});
    }
  }
  return scenario;
}

}  // namespace ringtrain::simulation
