// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/client/remote_server.hpp"

namespace ringtrain::launcher {

// The /kubeml of a server, found when it is asked first.
class KubemlServer {
 public:
  std::string place = {};  // of --server; empty: as the environment says

  // `path`: below /kubeml. Returns the body of a success. Throws a RefusedByServer with the words
  // of a refusal.
  std::string ask(const std::string& method, const std::string& path, std::string body = "",
                  const std::string& type = "application/json");
  // The same as JSON; an empty array for null.
  nlohmann::ordered_json list(const std::string& path);

  server::RemoteServer& remote();

 private:
  std::optional<server::RemoteServer> remote_;
};

// Returns a name as a part of a path. Throws a job error with `otherwise` where no name can be so:
// a server finds no path for it.
std::string name_in_path(const std::string& name, const std::string& otherwise);

// Prints rows in columns, the first row being their names, as Go's tabwriter does.
void print_table(const std::vector<std::vector<std::string>>& rows);

// Returns a number as Go prints it: no zeros behind its last digit.
std::string print_number(const nlohmann::ordered_json& number);

// Asks on stdin, y or N.
bool is_confirmed(const std::string& question);

}  // namespace ringtrain::launcher
