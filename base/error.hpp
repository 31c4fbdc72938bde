// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace ringtrain {

// Exit codes of every program besides 0: docs/reference/exit-codes.md.
inline constexpr int kExitBadJob = 2;
inline constexpr int kExitBadData = 3;
inline constexpr int kExitFailed = 4;

// The part that failed. Two kinds can share an exit code: lost ranks are worth a restart, training
// that diverged is not.
enum class ErrorKind {
  job,       // a job or an option that cannot be carried out as written
  data,      // a dataset or source file that is missing, damaged, foreign or hostile
  io,        // a file that cannot be read or written
  lost,      // a peer that is gone or late, or a library that reports an error
  training,  // training that cannot continue, as with gradients that stay non-finite
};

// An error for the user: one line that names the file, line or key, and says what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

Error job_error(const std::string& message);
Error data_error(const std::string& message);
Error io_error(const std::string& message);
Error lost_error(const std::string& message);
Error training_error(const std::string& message);

// Returns the exit code that an exception ends a program with: kExitFailed unless it is an Error.
int exit_code_of(const std::exception& error);

}  // namespace ringtrain
