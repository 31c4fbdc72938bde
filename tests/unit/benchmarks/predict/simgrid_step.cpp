// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/benchmarks/predict/simgrid_step.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <simgrid/s4u.hpp>
#include <stdexcept>
#include <vector>

namespace ringtrain::benchmarks {
namespace {

namespace sg = simgrid::s4u;

// Shared by a rank's two actors.
struct Rank {
  sg::SemaphorePtr ready = sg::Semaphore::create(0);
  sg::SemaphorePtr done = sg::Semaphore::create(0);
};

void exchange(int from, int rank, int to, double bytes) {
  static int token = 0;
  const sg::CommPtr sent = sg::Mailbox::by_name(fmt::format("{}-{}", rank, to))
                               ->put_async(&token, static_cast<uint64_t>(bytes));
  sg::Mailbox::by_name(fmt::format("{}-{}", from, rank))->get<int>();
  sent->wait();
}

void communicate(const Scenario& scenario, Rank& own, int rank) {
  const int n = scenario.cluster.hosts;
  for (const Bucket& bucket : scenario.step.buckets) {
    own.ready->acquire();
    for (int step = 0; step < 2 * (n - 1); ++step) {
      exchange((rank + n - 1) % n, rank, (rank + 1) % n, bucket.bytes / n);
    }
  }
  own.ready->acquire();  // the loss
  for (int reach = 1; reach < n; reach *= 2) {
    exchange((rank + n - reach) % n, rank, (rank + reach) % n, 1);
  }
  own.done->release();
}

void train(const Scenario& scenario, Rank& own) {
  const StepProfile& step = scenario.step;
  sg::this_actor::sleep_for(step.forward);
  double now = 0;
  for (const Bucket& bucket : step.buckets) {
    sg::this_actor::sleep_for(bucket.ready - now);
    now = bucket.ready;
    own.ready->release();
  }
  sg::this_actor::sleep_for(step.backward - now);
  own.ready->release();
  own.done->acquire();
  sg::this_actor::sleep_for(step.optimizer + step.other);
}

double simulate(const Scenario& scenario) {
  int count = 2;
  char name[] = "step";
  char quiet[] = "--log=root.thres:warning";
  char* arguments[] = {name, quiet, nullptr};
  char** words = arguments;
  sg::Engine engine(&count, words);
  // Latency plus bytes over bandwidth: no correction factors, no acknowledgements, no TCP window.
  sg::Engine::set_config("network/model:CM02");
  sg::Engine::set_config("network/crosstraffic:0");
  sg::Engine::set_config("network/TCP-gamma:0");
  sg::NetZone* zone = sg::create_star_zone("switch");
  std::vector<sg::Host*> hosts;
  for (int i = 0; i < scenario.cluster.hosts; ++i) {
    hosts.push_back(zone->create_host(fmt::format("host{}", i), 1e9)->seal());
    // Half of the latency up to the switch, half of it down.
    sg::SplitDuplexLink* link = zone->create_split_duplex_link(
        fmt::format("link{}", i), scenario.cluster.link.bytes_per_second);
    link->set_latency(scenario.cluster.link.latency / 2)->seal();
    zone->add_route(hosts.back()->get_netpoint(), nullptr, nullptr, nullptr,
                    {{link, sg::LinkInRoute::Direction::UP}}, true);
  }
  zone->seal();
  std::vector<Rank> ranks(hosts.size());
  for (size_t i = 0; i < hosts.size(); ++i) {
    Rank& own = ranks[i];
    sg::Actor::create("train", hosts[i], [&] { train(scenario, own); });
    sg::Actor::create("communicate", hosts[i],
                      [&, i] { communicate(scenario, own, static_cast<int>(i)); });
  }
  engine.run();
  return sg::Engine::get_clock();
}

}  // namespace

double simulated_seconds(const Scenario& scenario) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  double seconds = 0;
  if (child == 0) {
    seconds = simulate(scenario);
    const bool sent = ::write(ends[1], &seconds, sizeof seconds) == sizeof seconds;
    ::_exit(sent ? 0 : 1);
  }
  ::close(ends[1]);
  const bool received = ::read(ends[0], &seconds, sizeof seconds) == sizeof seconds;
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!received || status != 0) throw std::runtime_error("the simulation failed");
  return seconds;
}

}  // namespace ringtrain::benchmarks
