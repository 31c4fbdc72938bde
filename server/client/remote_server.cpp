// SPDX-License-Identifier: Apache-2.0
#include "server/client/remote_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "net/sha256.hpp"
#include "server/serve.hpp"
#include "server/server_folder.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::seconds kSilence(60);
constexpr std::chrono::milliseconds kLongestPause(5000);

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Returns the host of a URL.
std::string host_of(const std::string& url) {
  const size_t start = url.find("://") + 3;
  const std::string authority = url.substr(start, url.find('/', start) - start);
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

bool is_this_machine(const std::string& url) {
  const std::string host = host_of(url);
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// Whether the server may answer a moment later.
bool is_passing(long status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

// "job.yaml:3: optimizer.type: must be ...", and how many more there are.
std::string first_of(const ordered_json& errors, const std::string& name) {
  const ordered_json& first = errors.front();
  std::string text = name;
  if (first.contains("line") && first["line"].is_number()) {
    text += fmt::format(":{}", first["line"].get<int>());
  }
  if (!text.empty()) text += ": ";
  if (const std::string path = first.value("path", ""); !path.empty()) text += path + ": ";
  text += first.value("message", "");
  if (errors.size() > 1) text += fmt::format(" ({} more)", errors.size() - 1);
  return text;
}

std::string words_of(const net::HttpResponse& response, const std::string& url,
                     const std::string& name) {
  const auto body = ordered_json::parse(response.body, nullptr, false);
  if (!body.is_object() || !body.contains("detail") || !body["detail"].is_string()) {
    return fmt::format("{} answers {} as no ringtrain server does", url, response.status);
  }
  if (body.contains("errors") && body["errors"].is_array() && !body["errors"].empty()) {
    return first_of(body["errors"], name);
  }
  return body["detail"].get<std::string>();
}

}  // namespace

RemoteServer::RemoteServer(const std::string& place) {
  token_ = environment("RINGTRAIN_TOKEN");
  if (place.find("://") == std::string::npos) {
    folder_ = place;
    if (token_.empty()) token_ = owner_token(folder_);
    find_address();
    tls_.verify = false;  // the server is ours and on this machine, whatever its certificate says
    return;
  }
  url_ = place.substr(0, place.find_last_not_of('/') + 1);
  if (!url_.starts_with("http://") && !url_.starts_with("https://")) {
    throw job_error(
        fmt::format("--server {}: must be an address, as http://127.0.0.1:8080, or the "
                    "folder of a server on this machine",
                    place));
  }
  const std::string authorities = environment("RINGTRAIN_SERVER_CA");
  if (!authorities.empty()) tls_.authorities = read_file(authorities);
  if (!token_.empty()) return;
  if (!is_this_machine(url_)) {
    throw job_error(fmt::format(
        "{}: no token for it: set RINGTRAIN_TOKEN to what 'ringtrain server token --name NAME' "
        "prints there",
        url_));
  }
  token_ = owner_token(default_server_folder());
}

void RemoteServer::find_address() {
  url_ = address_of_server(folder_);
  if (url_.empty()) {
    throw job_error(fmt::format("{}: no server has run there: start it with 'ringtrain server {}'",
                                folder_.string(), folder_.string()));
  }
}

net::HttpResponse RemoteServer::send(const RemoteRequest& request) {
  net::HttpRequest sent{.method = request.method,
                        .url = url_ + request.path,
                        .headers = request.headers,
                        .body = request.body,
                        .tls = tls_,
                        .timeout = request.timeout};
  sent.headers.push_back("Authorization: Bearer " + token_);
  sent.headers.emplace_back("Accept: application/json");
  if (!request.body.empty()) sent.headers.push_back("Content-Type: " + request.type);
  return client_.perform(sent);
}

ordered_json RemoteServer::ask(const RemoteRequest& request) {
  const net::HttpResponse response = send(request);
  if (!net::is_success(response)) {
    const std::string words = words_of(response, url_, request.body_name);
    if (is_passing(response.status)) throw lost_error(words);
    throw RefusedByServer(response.status, words);
  }
  if (response.body.empty()) return nullptr;
  auto json = ordered_json::parse(response.body, nullptr, false);
  if (json.is_discarded()) {
    throw lost_error(fmt::format("{} answers as no ringtrain server does", url_));
  }
  return json;
}

std::string RemoteServer::download(const std::string& path, File& to) {
  net::Sha256 sum;
  uint64_t done = 0;
  const net::HttpResponse response =
      client_.perform({.url = url_ + path,
                       .headers = {"Authorization: Bearer " + token_},
                       .tls = tls_,
                       .silence_timeout = kSilence},
                      [&](std::string_view bytes, uint64_t) {
                        to.write_at(bytes.data(), bytes.size(), done);
                        sum.add(bytes.data(), bytes.size());
                        done += bytes.size();
                      });
  if (!net::is_success(response)) {
    throw RefusedByServer(response.status, words_of(response, url_, ""));
  }
  return sum.hexadecimal();
}

ordered_json RemoteServer::ask_patiently(const RemoteRequest& request) {
  const Deadline silence(kSilence);
  std::chrono::milliseconds pause(250);
  for (bool said = false;;) {
    try {
      return ask(request);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::lost) throw;
      if (!said && silence.passed()) {
        say(fmt::format("no answer for a minute: {}; trying again", error.what()));
        said = true;
      }
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongestPause);
    // The next server of the folder may listen elsewhere.
    if (!folder_.empty()) find_address();
  }
}

std::string default_server_folder() {
  const std::string data = environment("XDG_DATA_HOME");
  if (!data.empty()) return data + "/ringtrain";
  const std::string home = environment("HOME");
  return (home.empty() ? "." : home) + "/.local/share/ringtrain";
}

void say(const std::string& text) { std::fputs(("ringtrain: " + text + "\n").c_str(), stderr); }

std::string as_path_part(const std::string& name) {
  std::string result;
  for (const char c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    result += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

std::string job_path(const std::string& name, const std::string& rest) {
  return "/api/v1/jobs/" + as_path_part(name) + rest;
}

}  // namespace ringtrain::server
