// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/data/data_peers.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

#include "launcher/process/process.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;

double samples_per_second(const Peers& peers, const std::string& path, const std::string& kind,
                          int workers, uint64_t batch) {
  const Captured done =
      capture({peers.python, peers.script, kind, path, "--workers", std::to_string(workers),
               "--batch", std::to_string(batch), "--seconds", std::to_string(peers.seconds)},
              std::chrono::minutes(5));
  if (!done.status.success()) return 0;
  try {
    return nlohmann::json::parse(done.standard_output).at("samples_per_second").get<double>();
  } catch (const nlohmann::json::exception&) {
    return 0;
  }
}

}  // namespace ringtrain::benchmarks
