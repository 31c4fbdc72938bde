// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/jobs/kubeml_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "base/error.hpp"
#include "base/text.hpp"

namespace ringtrain::launcher {

using nlohmann::ordered_json;

std::string name_in_path(const std::string& name, const std::string& otherwise) {
  if (name.empty() || name.find('/') != std::string::npos) throw job_error(otherwise);
  return server::as_path_part(name);
}

server::RemoteServer& KubemlServer::remote() {
  if (!remote_) {
    const char* const variable = std::getenv("RINGTRAIN_SERVER");
    if (place.empty() && variable != nullptr) place = variable;
    remote_.emplace(place.empty() ? server::default_server_folder() : place);
  }
  return *remote_;
}

std::string KubemlServer::ask(const std::string& method, const std::string& path, std::string body,
                              const std::string& type) {
  const net::HttpResponse response = remote().send({.method = method,
                                                    .path = "/kubeml" + path,
                                                    .body = std::move(body),
                                                    .type = type,
                                                    .timeout = std::chrono::milliseconds(0)});
  if (net::is_success(response)) return response.body;
  std::string words(trimmed(response.body));
  const auto json = ordered_json::parse(words, nullptr, false);
  for (const char* const member : {"error", "detail"}) {
    if (json.is_object() && json.contains(member) && json[member].is_string()) {
      words = json[member].get<std::string>();
    }
  }
  if (words.empty()) words = fmt::format("{} answers {}", remote().url(), response.status);
  throw server::RefusedByServer(response.status, words);
}

ordered_json KubemlServer::list(const std::string& path) {
  const auto json = ordered_json::parse(ask("GET", path), nullptr, false);
  return json.is_array() ? json : ordered_json::array();
}

void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += i + 1 < row.size() ? fmt::format("{:<{}} ", row[i], widths[i]) : row[i];
    }
    fmt::print("{}\n", line);
  }
}

std::string print_number(const ordered_json& number) {
  if (!number.is_number()) return "-";
  return number.is_number_integer() ? number.dump() : fmt::format("{:.6g}", number.get<double>());
}

bool is_confirmed(const std::string& question) {
  fmt::print("{} [y/N] ", question);
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
  const std::string answer(trimmed(line));
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace ringtrain::launcher
