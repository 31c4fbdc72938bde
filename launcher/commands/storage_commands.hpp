// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace ringtrain::launcher {

// The process that fetches for the ranks of a host, `ringtrain fetch BYTES FOLDER`, a command that
// is not for people: storage/cache/fetcher.hpp. Its standard input is the socket that ranks connect
// to.
int run_fetch(const std::vector<std::string>& arguments);

// The process that sends a job's output to a URL, `ringtrain mirror URL FOLDER`:
// storage/mirror.hpp.
int run_mirror(const std::vector<std::string>& arguments);

}  // namespace ringtrain::launcher
