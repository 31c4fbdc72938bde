// SPDX-License-Identifier: Apache-2.0
// Reads what Python itself writes to stderr: tracebacks of exceptions that nobody caught, and the
// stacks that its faulthandler dumps.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace ringtrain::launcher {

struct PythonFailure {
  std::string exception;  // its first line: "ValueError: no such class"
  std::string where;      // the innermost line that is no library's: "train.py:88"; may be empty
  bool operator==(const PythonFailure&) const = default;
};

// Returns the last exception whose traceback stands in `text`. Files below `folder` are named from
// there.
std::optional<PythonFailure> last_exception(std::string_view text,
                                            const std::filesystem::path& folder);

// Whether an exception says that the connection to another rank is gone, or that it did not come
// in time: then that rank may be the cause.
bool is_about_a_peer(std::string_view exception);

struct PythonPosition {
  std::string at;        // the innermost line that is no library's: "train.py:60 in load_batch"
  std::string waits_in;  // the call of torch.distributed above it: "all_reduce"; empty: none
  bool operator==(const PythonPosition&) const = default;
};

// Returns the position of the current thread in the last stack that faulthandler wrote.
std::optional<PythonPosition> last_stack(std::string_view text,
                                         const std::filesystem::path& folder);

}  // namespace ringtrain::launcher
