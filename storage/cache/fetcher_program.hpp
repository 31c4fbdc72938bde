// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/file_descriptor.hpp"

namespace ringtrain::storage {

struct CacheOptions;

// Returns the path of `ringtrain`, which has the parts that a rank has not: beside this program, or
// in the folder above, or in PATH. RINGTRAIN_PROGRAM names another.
std::string ringtrain_program();

// Takes the name by which ranks find their fetcher, and returns the socket that they connect to;
// closed where another has the name.
FileDescriptor listen_for_ranks(const CacheOptions& options);

// Returns a connection to the fetcher of this host for these options and this environment's keys,
// after starting it where there is none. Closed where a race was lost: the caller tries again.
// Throws a data error where it cannot be started.
FileDescriptor connect_to_fetcher(const CacheOptions& options);

}  // namespace ringtrain::storage
