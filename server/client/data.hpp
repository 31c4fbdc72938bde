// SPDX-License-Identifier: Apache-2.0
// `ringtrain dataset list` and `upload`, and `ringtrain model`, on a server.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "server/client/remote_server.hpp"

namespace ringtrain::server {

struct RemoteUpload {
  std::vector<std::filesystem::path> files;  // in the order of the kind's
  std::string name;
  std::string kind;
  std::vector<std::string> options;  // "height=32"
  bool to_bucket = false;            // past the server, by URLs that it signs
};

void list_datasets_on_server(RemoteServer& server, bool as_json);

// Sends files, in pieces that are sent again where the connection is cut, and waits for the import.
// Throws a RefusedByServer, and a data error in the importer's words where it fails.
void upload_to_server(RemoteServer& server, const RemoteUpload& upload, bool as_json);

void list_models_on_server(RemoteServer& server, bool as_json);

// `version`: a number, an alias, or latest. Downloads its files into a folder, which is made, and
// compares their SHA-256 with its card. Throws a job error where a file is there already.
void get_model_from_server(RemoteServer& server, const std::string& model,
                           const std::string& version, const std::filesystem::path& folder);

// Gives a version an alias.
void set_alias_on_server(RemoteServer& server, const std::string& model, const std::string& alias,
                         int version);

}  // namespace ringtrain::server
