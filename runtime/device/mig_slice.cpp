// SPDX-License-Identifier: Apache-2.0
#include "runtime/device/mig_slice.hpp"

#include <sstream>
#include <vector>

namespace ringtrain {

std::optional<std::string> mig_slice_of(int local_rank, const char* cuda, const char* nvidia) {
  const char* list = cuda != nullptr ? cuda : nvidia;
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> slices;
  std::istringstream names(list);
  for (std::string name; std::getline(names, name, ',');) {
    if (name.starts_with("MIG-")) slices.push_back(name);
  }
  if (slices.size() < 2) return std::nullopt;
  return slices[static_cast<size_t>(local_rank) % slices.size()];
}

}  // namespace ringtrain
