// SPDX-License-Identifier: Apache-2.0
// A `ringtrain server` as commands reach it: by its address, or by its folder on this machine, from
// which its address and token are read.
#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "net/http_client.hpp"

namespace ringtrain::server {

// A server's refusal, in its words.
class RefusedByServer : public Error {
 public:
  RefusedByServer(long status, const std::string& words)
      : Error(ErrorKind::job, words), status_(status) {}
  long status() const { return status_; }

 private:
  long status_;
};

struct RemoteRequest {
  std::string method = "GET";
  std::string path;  // "/api/v1/jobs?limit=500"
  std::string body = {};
  std::string type = "application/yaml";  // of the body
  std::vector<std::string> headers = {};
  std::string body_name = {};                 // of the file that was sent, for refusals
  std::chrono::milliseconds timeout{60'000};  // 0: none
};

// Thread: one at a time.
class RemoteServer {
 public:
  // `place`: a URL or a folder. Throws a job error where it is neither, or there is no token for
  // it: RINGTRAIN_TOKEN, else the owner's of the folder; that of the default folder is sent to this
  // machine alone.
  explicit RemoteServer(const std::string& place);

  // Returns the answer, whatever it is. Throws a lost error where there is none.
  net::HttpResponse send(const RemoteRequest& request);

  // Returns the JSON of a success, null where it has none. Throws a RefusedByServer, and a lost
  // error where it does not answer or cannot now.
  nlohmann::ordered_json ask(const RemoteRequest& request);

  // The same, but asks again for as long as the server does not answer: silently for 60 s, then
  // with a line on stderr. A request that changes something must have an idempotency key.
  nlohmann::ordered_json ask_patiently(const RemoteRequest& request);

  // Writes what a path holds to a file. Returns its SHA-256. Throws as ask().
  std::string download(const std::string& path, File& to);

  const std::string& url() const { return url_; }

 private:
  void find_address();

  std::filesystem::path folder_;  // empty: a URL was given
  std::string url_;
  std::string token_;
  net::TlsOptions tls_;
  net::HttpClient client_;
};

// "~/.local/share/ringtrain": the folder of a server that nobody names.
std::string default_server_folder();

// Prints "ringtrain: TEXT" on stderr.
void say(const std::string& text);

// Returns a name as a part of a path: "a b" as "a%20b".
std::string as_path_part(const std::string& name);

// "/api/v1/jobs/NAME" and what follows.
std::string job_path(const std::string& name, const std::string& rest = "");

}  // namespace ringtrain::server
