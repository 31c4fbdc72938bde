// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringtrain::server {

// Returns the rows of a .npy file (NEP 1, versions 1 to 3) with numbers in it. Throws a Problem 400
// whose "error" says what is wrong: a pickle, which is a program; Python objects; a file that is
// cut. `name`: as the message calls it.
uint64_t rows_of_array(std::string_view file, const std::string& name);

}  // namespace ringtrain::server
