// SPDX-License-Identifier: Apache-2.0
// The server's downloader for addresses that somebody else chose. It connects to the public
// internet alone, whatever a name or a redirect leads to, and to places that the server's owner
// allows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "server/operations/background.hpp"

namespace ringtrain::server {

struct FetchLimits {
  std::set<std::string> allowed = {};  // "HOST:PORT" that may be private, and speak http
  uint64_t max_bytes = 0;
};

// Returns what is wrong with an address, before anything is sent; empty: nothing.
std::string refusal_of_url(const std::string& url, const std::set<std::string>& allowed);

// Downloads a file, which appears whole or not at all. Gives up where `state` is cancelled.
// Requires: refusal_of_url() finds nothing. May run on any thread.
// Throws a data error with the address, without its query, and the reason.
void fetch(const std::string& url, const std::filesystem::path& file, const FetchLimits& limits,
           BackgroundState& state);

}  // namespace ringtrain::server
