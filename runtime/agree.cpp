// SPDX-License-Identifier: Apache-2.0
#include "runtime/agree.hpp"

#include <c10/util/Exception.h>

#include "datasets/error.hpp"
#include "runtime/job/error.hpp"

namespace ringtrain {

int exit_code_of(const std::exception& error) {
  if (dynamic_cast<const JobError*>(&error) != nullptr) return 2;
  if (dynamic_cast<const DataError*>(&error) != nullptr) return 3;
  return 4;
}

void agree(const World& world, const std::function<void()>& part) {
  std::string failure;  // the exit code's digit, then the message; empty: none
  try {
    part();
  } catch (const c10::Error& error) {
    failure = "4" + std::string(error.what_without_backtrace());
  } catch (const std::exception& error) {
    failure = std::to_string(exit_code_of(error)) + error.what();
  }
  const auto failures = world.all_gather(failure);
  for (int rank = 0; rank < world.size(); ++rank) {
    const std::string& found = failures[static_cast<size_t>(rank)];
    if (!found.empty()) throw AgreedError(found.substr(1), found[0] - '0', rank);
  }
}

}  // namespace ringtrain
