// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

namespace ringtrain {

ExitCode exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::job:
      return ExitCode::bad_job;
    case ErrorKind::data:
    case ErrorKind::io:
      return ExitCode::bad_data;
    case ErrorKind::lost:
    case ErrorKind::training:
      break;
  }
  return ExitCode::failed;
}

Error job_error(const std::string& message) { return {ErrorKind::job, message}; }
Error data_error(const std::string& message) { return {ErrorKind::data, message}; }
Error io_error(const std::string& message) { return {ErrorKind::io, message}; }
Error lost_error(const std::string& message) { return {ErrorKind::lost, message}; }
Error training_error(const std::string& message) { return {ErrorKind::training, message}; }

ExitCode exit_code_of(const std::exception& error) {
  const auto* const ours = dynamic_cast<const Error*>(&error);
  return ours == nullptr ? ExitCode::failed : exit_code(ours->kind());
}

}  // namespace ringtrain
