// SPDX-License-Identifier: Apache-2.0
// Exceptions of libtorch as lines for the user.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace ringtrain {

// Returns one line of a message: its first or, if it comes from the TorchScript interpreter, its
// cause with file, line and text of the model's own source, where they are known.
std::string torch_cause(std::string_view message);

// The same of an exception, without the C++ stack that libtorch appends.
std::string torch_cause(const std::exception& error);

// True for what a GPU or its libraries report, which may not come again; other errors of torch
// will, as the same step fails in the same way.
bool is_device_error(const std::exception& error);

}  // namespace ringtrain
