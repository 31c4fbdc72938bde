// SPDX-License-Identifier: Apache-2.0
// Where a server listens, and who may reach it there.
#pragma once

#include <cstdint>
#include <string>

#include "net/http_server.hpp"
#include "server/api/guards.hpp"
#include "server/serve.hpp"

namespace ringtrain::server {

// Returns how to listen. Throws a job error where tokens would cross a network in the clear, or
// the certificate or its key cannot be read.
net::HttpServerOptions network_of(const ServerOptions& options);

Site site_of(const ServerOptions& options);

// Returns "http://127.0.0.1:8080": where programs and browsers on this machine call the server.
std::string address_of(const ServerOptions& options, uint16_t port);

}  // namespace ringtrain::server
