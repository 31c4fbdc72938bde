// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "server/client/remote_server.hpp"

namespace ringtrain::server {

// Sends a file to the bucket of a server by URLs that the server signs: its bytes do not pass the
// server. Returns its URL, s3://BUCKET/KEY. Nothing stays in the bucket where it fails. Throws a
// RefusedByServer where the server has no bucket, and a lost error where the bucket cannot be
// reached.
std::string send_to_bucket(RemoteServer& server, const std::filesystem::path& path);

}  // namespace ringtrain::server
