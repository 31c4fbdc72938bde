// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "benchmarks/commands/rounds.hpp"

namespace ringtrain::benchmarks {

// Readers of other systems, in a Python with torch, numpy and h5py.
struct Peers {
  std::string python = default_python();
  std::string script = "benchmarks/peers/data_peers.py";
  double seconds = 3;  // that each of them reads
};

// Returns the samples per second of a torch DataLoader over the file, 0 if it failed; kind: "h5py"
// or "memmap".
double samples_per_second(const Peers& peers, const std::string& path, const std::string& kind,
                          int workers, uint64_t batch);

}  // namespace ringtrain::benchmarks
