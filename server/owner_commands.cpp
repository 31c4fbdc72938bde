// SPDX-License-Identifier: Apache-2.0
// What the owner of a server's folder does beside the server: `ringtrain server url`, `token` and
// `connect`.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "base/error.hpp"
#include "base/whole_number.hpp"
#include "net/http_client.hpp"
#include "net/http_door.hpp"
#include "server/api/audit.hpp"
#include "server/api/tokens.hpp"
#include "server/serve.hpp"
#include "server/server_folder.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;

std::string sign_in_address(const fs::path& folder) {
  const std::string token = read_owner_token(folder);
  const std::string address = address_of_server(folder);
  net::HttpClient client;
  net::TlsOptions tls;
  tls.verify = false;  // the server is ours and on this machine, whatever its certificate says
  try {
    const auto answer = client.perform({.method = "POST",
                                        .url = address + "/api/v1/codes",
                                        .headers = {"Authorization: Bearer " + token},
                                        .tls = tls,
                                        .timeout = std::chrono::milliseconds(5000)});
    const auto json = nlohmann::json::parse(answer.body, nullptr, false);
    if (json.is_object() && json.contains("code")) {
      return fmt::format("{}/ui/#code={}", address, json["code"].get<std::string>());
    }
  } catch (const net::HttpError&) {
  }
  throw job_error(fmt::format("no server answers for {}: start it with 'ringtrain server {}'",
                              folder.string(), folder.string()));
}

std::string add_token(const fs::path& folder, const std::string& name, const std::string& scope) {
  const auto known = scope_from(scope);
  if (!known) throw job_error(fmt::format("--scope {}: must be read, submit or admin", scope));
  read_owner_token(folder);  // refuses a folder that is none of a server
  const std::string token = Tokens(folder).add(name, *known, std::chrono::hours(0));
  Audit(folder).add({.by = "owner",
                     .from = "command line",
                     .request = fmt::format("server token --name {} --scope {}", name, scope),
                     .status = 0});
  return token;
}

namespace {

// Returns PORT of 127.0.0.1:PORT; 0 takes one that is free.
uint16_t port_of_door(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  const std::string host = listen.substr(0, colon);
  if (colon == std::string::npos || (host != "127.0.0.1" && host != "localhost")) {
    throw job_error(fmt::format(
        "--listen {}: must be 127.0.0.1:PORT: the door asks nobody for a token", listen));
  }
  const auto port = whole_number(std::string_view(listen).substr(colon + 1));
  if (!port || *port > 65535) {
    throw job_error(fmt::format("--listen {}: the port must be a number, 0 to 65535", listen));
  }
  return static_cast<uint16_t>(*port);
}

}  // namespace

void connect(const fs::path& folder, const std::string& listen, const std::string& prefix) {
  const std::string token = read_owner_token(folder);
  const std::string server = address_of_server(folder);
  if (server.starts_with("https:")) {
    throw job_error(fmt::format(
        "{} speaks TLS, and the door does not: programs give their token to it", server));
  }
  net::HttpDoorOptions options{.header = "Authorization: Bearer " + token, .prefix = prefix};
  options.port = port_of_door(listen);
  options.to_port = static_cast<uint16_t>(std::atoi(server.c_str() + server.rfind(':') + 1));
  try {
    net::HttpDoor door(options);
    fmt::print("http://127.0.0.1:{} is {}{} with the owner's token\n", door.port(), server, prefix);
    std::fflush(stdout);
    door.run();
  } catch (const std::system_error& error) {
    throw job_error(fmt::format("--listen {}: {}", listen, error.code().message()));
  }
}

std::string owner_token(const fs::path& folder) { return read_owner_token(folder); }

}  // namespace ringtrain::server
