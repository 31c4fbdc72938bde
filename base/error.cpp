// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

namespace ringtrain {

Error job_error(const std::string& message) { return {ErrorKind::job, message}; }
Error data_error(const std::string& message) { return {ErrorKind::data, message}; }
Error io_error(const std::string& message) { return {ErrorKind::io, message}; }
Error lost_error(const std::string& message) { return {ErrorKind::lost, message}; }
Error training_error(const std::string& message) { return {ErrorKind::training, message}; }

int exit_code_of(const std::exception& error) {
  const auto* const ours = dynamic_cast<const Error*>(&error);
  if (ours == nullptr) return kExitFailed;
  switch (ours->kind()) {
    case ErrorKind::job:
      return kExitBadJob;
    case ErrorKind::data:
    case ErrorKind::io:
      return kExitBadData;
    case ErrorKind::lost:
    case ErrorKind::training:
      break;
  }
  return kExitFailed;
}

}  // namespace ringtrain
