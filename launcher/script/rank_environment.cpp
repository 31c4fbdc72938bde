// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/rank_environment.hpp"

#include "base/whole_number.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace ringtrain::launcher {
namespace {

int number_of(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) {
    throw std::runtime_error(
        fmt::format("{} is not set: `ringtrain rank` is started by `ringtrain run`", variable));
  }
  if (const auto number = whole_number(text)) return *number;
  throw std::runtime_error(fmt::format("{}={}: must be a whole number", variable, text));
}

// Position of a rank's host in the list of hosts.
int host_of(const RankSpec& spec, int rank) {
  int host = 0;
  for (const int slots : spec.slots) {
    if (rank < slots) return host;
    rank -= slots;
    ++host;
  }
  return 0;
}

}  // namespace

RankPlace place_from_mpirun() {
  return {.rank = number_of("OMPI_COMM_WORLD_RANK"),
          .local_rank = number_of("OMPI_COMM_WORLD_LOCAL_RANK"),
          .world_size = number_of("OMPI_COMM_WORLD_SIZE"),
          .local_world_size = number_of("OMPI_COMM_WORLD_LOCAL_SIZE")};
}

std::vector<RankPlacement> placement_of(const RankSpec& spec) {
  std::vector<RankPlacement> placement;
  for (size_t host = 0; host < spec.hosts.size() && host < spec.slots.size(); ++host) {
    for (int slot = 0; slot < spec.slots[host]; ++slot) {
      placement.push_back({static_cast<int>(placement.size()), spec.hosts[host], ""});
    }
  }
  return placement;
}

std::string files_of_rank(const RankSpec& spec, const RankPlace& place, int attempt) {
  return fmt::format("{}/attempt-{}/rank-{}", spec.log_folder, attempt, place.rank);
}

Environment environment_of_rank(const RankSpec& spec, const RankPlace& place, int attempt,
                                int threads) {
  const std::string files = files_of_rank(spec, place, attempt);
  const auto text = [](auto number) { return std::to_string(number); };
  Environment environment = {
      {"RANK", text(place.rank)},
      {"LOCAL_RANK", text(place.local_rank)},
      {"WORLD_SIZE", text(place.world_size)},
      {"LOCAL_WORLD_SIZE", text(place.local_world_size)},
      {"GROUP_RANK", text(host_of(spec, place.rank))},
      {"GROUP_WORLD_SIZE", text(spec.slots.size())},
      {"ROLE_NAME", "default"},
      {"ROLE_RANK", text(place.rank)},
      {"ROLE_WORLD_SIZE", text(place.world_size)},
      {"MASTER_ADDR", spec.master_address},
      {"MASTER_PORT", text(spec.master_port)},
      {"TORCHELASTIC_RESTART_COUNT", text(attempt - 1)},
      {"TORCHELASTIC_MAX_RESTARTS", text(spec.max_restarts)},
      {"TORCHELASTIC_RUN_ID", spec.run_id},
      {"TORCHELASTIC_ERROR_FILE", files + "-error.json"},
      {"RINGTRAIN_RUN", "1"},
      {kStacksVariable, files + ".stacks"},
      {kSavedVariable, files + kSavedSuffix},
      {kOutputVariable, spec.output},
  };
  environment.insert(environment.end(), spec.environment.begin(), spec.environment.end());
  const auto unless_set = [&](const char* name, std::string value) {
    if (std::getenv(name) != nullptr || spec.environment.contains(name)) return;
    environment.emplace_back(name, std::move(value));
  };
  unless_set("OMP_NUM_THREADS", text(threads));
  unless_set("TORCH_NCCL_ASYNC_ERROR_HANDLING", "1");
  unless_set("PYTHONFAULTHANDLER", "1");  // stacks after SIGSEGV and the like
  // Rank 0 makes the store of an attempt, also in a run that torchrun itself has started.
  if (std::getenv("TORCHELASTIC_USE_AGENT_STORE") != nullptr) {
    environment.emplace_back("TORCHELASTIC_USE_AGENT_STORE", "False");
  }
  return environment;
}

}  // namespace ringtrain::launcher
