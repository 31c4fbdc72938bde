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

ErrorKind kind_of(const std::exception& error) {
  if (const auto* const ours = dynamic_cast<const Error*>(&error)) return ours->kind();
  const bool of_torch = dynamic_cast<const c10::Error*>(&error) != nullptr;
  return of_torch && !is_device_error(error) ? ErrorKind::training : ErrorKind::lost;
}

void run_on_all_ranks(const World& world, const std::function<void()>& part) {
  std::string failure;  // empty: none
  try {
    part();
  } catch (const Error& error) {
    failure = encode(error.kind(), error.what());
  } catch (const std::exception& error) {
    failure = encode(kind_of(error), torch_cause(error));
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
