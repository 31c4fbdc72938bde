// SPDX-License-Identifier: Apache-2.0
#include "server/network.hpp"

#include <fmt/format.h>

#include <cctype>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/machine.hpp"
#include "server/api/forwarded.hpp"

namespace ringtrain::server {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Returns an address as a URL and a Host have it: IPv6 in brackets.
std::string in_url(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

bool is_any(const std::string& address) { return address == "0.0.0.0" || address == "::"; }

}  // namespace

net::HttpServerOptions network_of(const ServerOptions& options) {
  if (options.certificate.empty() != options.key.empty()) {
    throw job_error("--tls-cert and --tls-key: one needs the other");
  }
  const bool has_tls = !options.certificate.empty();
  if (!is_loopback(options.address) && !has_tls && options.proxies.empty()) {
    throw job_error(fmt::format(
        "--listen {}: others could read tokens on their way to it: give --tls-cert and --tls-key, "
        "or --behind-proxy ADDRESS for a proxy that adds TLS",
        options.address));
  }
  net::HttpServerOptions network{.address = options.address, .port = options.port};
  network.max_of_an_address = options.connections;
  network.max_connections = std::max(network.max_connections, options.connections);
  network.proxies = options.proxies;
  if (has_tls) network.identity = {read_file(options.certificate), read_file(options.key)};
  return network;
}

Site site_of(const ServerOptions& options) {
  Site site{.hosts = loopback_hosts(), .proxies = options.proxies, .address = options.address};
  if (!is_loopback(options.address)) {
    site.hosts.push_back(lower_case(host_name()));
    if (!is_any(options.address)) site.hosts.push_back(lower_case(in_url(options.address)));
  }
  for (const std::string& host : options.hosts) site.hosts.push_back(lower_case(host));
  return site;
}

std::string address_of(const ServerOptions& options, uint16_t port) {
  return fmt::format("{}://{}:{}", options.certificate.empty() ? "http" : "https",
                     is_any(options.address) ? "127.0.0.1" : in_url(options.address), port);
}

}  // namespace ringtrain::server
