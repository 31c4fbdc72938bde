// SPDX-License-Identifier: Apache-2.0
// `ringtrain server`: the control plane in one process and one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mpijob/client/access.hpp"

namespace ringtrain::server {

struct ServerOptions {
  std::filesystem::path folder = {};  // made where it is missing
  std::vector<std::filesystem::path> data =
      {};  // folders that jobs may read; empty: the current one
  std::string address = "127.0.0.1";
  uint16_t port = 8080;                    // 0: any that is free
  std::filesystem::path certificate = {};  // PEM; with it and its key the server speaks TLS
  std::filesystem::path key = {};
  std::vector<std::string> proxies = {};  // addresses whose X-Forwarded-* are believed
  int cores = 0;                          // 0: those that this process may use
  bool torchscript = false;
  bool scripts = false;
  // Jobs run in this cluster instead of this machine, and its users come with its tokens.
  std::optional<mpijob::AccessOptions> cluster = {};
  int cluster_jobs = 100;                   // most of them at a time
  std::filesystem::path job_defaults = {};  // YAML, for POST /jobs in a cluster; empty: none
  int function_timeout = 1000;              // seconds for which functions of KubeML may do nothing
  bool tensorboard = false;                 // runs write event files
  std::string webhook = {};                 // URL to POST to when a job ends; empty: none
  std::filesystem::path webhook_secret_file = {};  // what its requests are signed with
  bool webhook_to_private = false;                 // it may lead to a private network
  std::vector<std::string> sources = {};           // private places to import from, "HOST:PORT"
  std::vector<std::string> buckets = {};           // "s3://BUCKET[/FOLDER]" for jobs and imports
  std::vector<std::string> hosts = {};  // names by which it may be called, beside loopback's
  size_t streams = 256;                 // most viewers of events
  size_t connections = 64;              // most that an address may have open
};

// Serves until SIGINT or SIGTERM; jobs live on. Prints the address to sign in at on stdout, and a
// line for every job that starts or ends on stderr.
// Throws a job error where the folder is served already or cannot be used, or the port is taken.
void serve(const ServerOptions& options);

// Asks the server of a folder for an address at which a browser signs in, once. Throws a job error
// where none runs.
std::string sign_in_address(const std::filesystem::path& folder);

// Passes requests at an address ("127.0.0.1:8000") of this machine on to the server of a folder,
// with the owner's token, until SIGINT or SIGTERM: for programs that know nothing of tokens.
// Whoever may use this machine's loopback gets in. `prefix` is put before each path. Throws a job
// error where no server has run there, or the address cannot be used.
void connect(const std::filesystem::path& folder, const std::string& listen,
             const std::string& prefix = "");

// Returns the token that the server of a folder made first. Throws a job error where there is none.
std::string owner_token(const std::filesystem::path& folder);

// Makes a token for programs and returns it. `scope`: read, submit or admin. The server of the
// folder need not run.
std::string add_token(const std::filesystem::path& folder, const std::string& name,
                      const std::string& scope);

// Returns docs/reference/rest-api.md.
std::string reference();

}  // namespace ringtrain::server
