// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker/run_on_all_ranks.hpp"

#include <c10/util/Exception.h>

#include "runtime/models/torch_error.hpp"

namespace ringtrain {
namespace {

// One byte for the kind, then the message.
std::string encode(ErrorKind kind, const std::string& message) {
  return static_cast<char>(kind) + message;
}

}  // namespace

void run_on_all_ranks(const World& world, const std::function<void()>& part) {
  std::string failure;  // empty: none
  try {
    part();
  } catch (const Error& error) {
    failure = encode(error.kind(), error.what());
  } catch (const std::exception& error) {
    const bool of_torch = dynamic_cast<const c10::Error*>(&error) != nullptr;
    const bool repeats = of_torch && !is_device_error(error);
    failure = encode(repeats ? ErrorKind::training : ErrorKind::lost, torch_cause(error));
  }
  const auto failures = world.all_gather(failure);
  for (int rank = 0; rank < world.size(); ++rank) {
    const std::string& found = failures[static_cast<size_t>(rank)];
    if (!found.empty()) {
      throw SharedError(static_cast<ErrorKind>(found[0]), found.substr(1), rank);
    }
  }
}

}  // namespace ringtrain
