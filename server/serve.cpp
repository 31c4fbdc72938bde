// SPDX-License-Identifier: Apache-2.0
#include "server/serve.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "base/machine.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "net/http_client.hpp"
#include "net/http_door.hpp"
#include "net/http_server.hpp"
#include "server/api/dispatch.hpp"
#include "server/api/event_stream.hpp"
#include "server/api/job_routes.hpp"
#include "server/api/openapi.hpp"
#include "server/store/database.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kTick(200);
constexpr std::chrono::seconds kKeepAlive(15);

// The lock on a server's folder, with a line that says who has it.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder) : file_(folder / "server.lock") {
    descriptor_ = FileDescriptor(
        checked(::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "server.lock"));
    if (::flock(descriptor_.get(), LOCK_EX | LOCK_NB) != 0) {
      const auto holder = nlohmann::json::parse(read_file(file_), nullptr, false);
      const auto said = [&](const char* key) {
        return holder.is_object() ? holder.value(key, "?") : std::string("?");
      };
      throw job_error(
          fmt::format("{} is served by process {} since {} at {}: stop it, or use "
                      "another folder",
                      folder.string(), said("pid"), said("since"), said("address")));
    }
  }

  // `address`: where the server can be called.
  void say(const std::string& address) {
    const nlohmann::ordered_json holder = {{"pid", std::to_string(::getpid())},
                                           {"since", print_time(std::chrono::system_clock::now())},
                                           {"address", address}};
    const std::string text = holder.dump() + "\n";
    // In place, since a full disk would not give the block back.
    checked(static_cast<int>(::pwrite(descriptor_.get(), text.data(), text.size(), 0)), "pwrite");
    checked(::ftruncate(descriptor_.get(), static_cast<off_t>(text.size())), "ftruncate");
  }

 private:
  fs::path file_;
  FileDescriptor descriptor_;
};

// SQLite's journal needs memory that is shared between processes of one host.
void refuse_network_disk(const fs::path& folder) {
  struct statfs about {};
  if (::statfs(folder.c_str(), &about) != 0) return;
  constexpr std::array<std::pair<uint32_t, const char*>, 4> kNetworks = {
      {{0x6969, "NFS"}, {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB"}, {0x0BD00BD0, "Lustre"}}};
  for (const auto& [magic, name] : kNetworks) {
    if (static_cast<uint32_t>(about.f_type) != magic) continue;
    throw job_error(
        fmt::format("{} is on {}, where a lock does not hold: use a folder on a disk of "
                    "this machine",
                    folder.string(), name));
  }
}

fs::path prepare(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw job_error(fmt::format("{}: cannot be made: {}: use another folder", folder.string(),
                                error.message()));
  }
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    throw job_error(fmt::format("{}: cannot be written: use another folder", folder.string()));
  }
  refuse_network_disk(folder);
  return fs::canonical(folder);
}

JobLimits limits_of(const ServerOptions& options) {
  JobLimits limits{.torchscript = options.torchscript};
  limits.cores = options.cores > 0 ? options.cores : this_machine_cores().usable();
  std::vector<fs::path> data = options.data;
  if (data.empty()) data.push_back(fs::current_path());
  for (const fs::path& one : data) {
    std::error_code error;
    const fs::path canonical = fs::canonical(one, error);
    if (error) throw job_error(fmt::format("--data {}: {}", one.string(), error.message()));
    limits.data.push_back(canonical);
  }
  return limits;
}

WebhookOptions webhook_of(const ServerOptions& options) {
  WebhookOptions webhook{.url = options.webhook, .private_addresses = options.webhook_to_private};
  if (webhook.url.empty()) return webhook;
  if (!webhook.url.starts_with("https://") && !webhook.url.starts_with("http://")) {
    throw job_error(fmt::format("--webhook {}: must be a URL of https or http", webhook.url));
  }
  if (options.webhook_secret_file.empty()) {
    throw job_error(
        "--webhook: --webhook-secret-file is missing: a file with a text of 16 or more bytes, as "
        "'openssl rand -hex 32' makes, which the receiver has, too");
  }
  webhook.secret = trimmed(read_file(options.webhook_secret_file));
  if (webhook.secret.size() < 16) {
    throw job_error(fmt::format("--webhook-secret-file {}: is shorter than 16 bytes",
                                options.webhook_secret_file.string()));
  }
  return webhook;
}

void add_all_routes(Routes& routes, Jobs& jobs, EventStream& events, Tokens& tokens,
                    const std::function<const RequestTimes&()>& times) {
  add_job_routes(routes, jobs, events);
  add_view_routes(routes, jobs);
  add_file_routes(routes, jobs);
  add_seed_routes(routes, jobs);
  add_machine_routes(routes, jobs, events, tokens, times);
}

// The parts of a server, in the order in which they need one another.
class Server {
 public:
  explicit Server(const ServerOptions& options)
      : folder_(prepare(options.folder)),
        lock_(folder_),
        tokens_(folder_),
        jobs_({.folder = folder_,
               .program = fs::read_symlink("/proc/self/exe"),
               .limits = limits_of(options),
               .tensorboard = options.tensorboard,
               .webhook = webhook_of(options)},
              [this](const std::string& kind, const std::string& job,
                     const nlohmann::ordered_json& data) { events_.publish(kind, job, data); }),
        dispatcher_(routes_, hosts_of(options), tokens_) {
    add_all_routes(routes_, jobs_, events_, tokens_,
                   [this]() -> const RequestTimes& { return dispatcher_.times(); });
    http_ = std::make_unique<net::HttpServer>(
        net::HttpServerOptions{.port = options.port},
        [this](const net::ServedRequest& request) { return answer(request); });
  }

  void run() {
    const std::string address = fmt::format("http://127.0.0.1:{}", http_->port());
    lock_.say(address);
    http_->every(kTick, [this] { jobs_.tick(); });
    http_->every(kKeepAlive, [this] { events_.keep_alive(); });
    jobs_.tick();
    fmt::print("ringtrain server on {}, jobs in {}\nopen {}/ui/#code={}\n", address,
               folder_.string(), address, tokens_.new_code());
    std::fflush(stdout);
    http_->run();
  }

 private:
  static AllowedHosts hosts_of(const ServerOptions& options) {
    AllowedHosts hosts = loopback_hosts();
    hosts.insert(hosts.end(), options.hosts.begin(), options.hosts.end());
    return hosts;
  }

  net::Answer answer(const net::ServedRequest& request) {
    try {
      return dispatcher_.answer(request);
    } catch (const DatabaseDamaged& damaged) {
      jobs_.rebuild(damaged.what());
      return dispatcher_.answer(request);
    }
  }

  const fs::path folder_;
  FolderLock lock_;
  Tokens tokens_;
  EventStream events_;
  Jobs jobs_;
  Routes routes_;
  Dispatcher dispatcher_;
  std::unique_ptr<net::HttpServer> http_;
};

}  // namespace

void serve(const ServerOptions& options) {
  std::optional<Server> server;
  try {
    server.emplace(options);
  } catch (const std::system_error& error) {
    throw job_error(fmt::format("the server cannot start: {}", error.what()));
  }
  server->run();
}

std::string sign_in_address(const fs::path& folder) {
  const std::string token = read_owner_token(folder);
  const auto holder = nlohmann::json::parse(read_file(folder / "server.lock"), nullptr, false);
  const std::string address = holder.is_object() ? holder.value("address", "") : "";
  net::HttpClient client;
  try {
    const auto answer = client.perform({.method = "POST",
                                        .url = address + "/api/v1/codes",
                                        .headers = {"Authorization: Bearer " + token},
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
  return Tokens(folder).add(name, *known, std::chrono::hours(0));
}

void connect(const fs::path& folder, const std::string& listen) {
  const std::string token = read_owner_token(folder);
  const auto holder = nlohmann::json::parse(read_file(folder / "server.lock"), nullptr, false);
  const std::string server = holder.is_object() ? holder.value("address", "") : "";
  const size_t colon = listen.rfind(':');
  const std::string host = listen.substr(0, colon);
  if (colon == std::string::npos || (host != "127.0.0.1" && host != "localhost")) {
    throw job_error(fmt::format(
        "--listen {}: must be 127.0.0.1:PORT: the door asks nobody for a token", listen));
  }
  net::HttpDoorOptions options{.header = "Authorization: Bearer " + token};
  options.port = static_cast<uint16_t>(std::atoi(listen.c_str() + colon + 1));
  options.to_port = static_cast<uint16_t>(std::atoi(server.c_str() + server.rfind(':') + 1));
  try {
    net::HttpDoor door(options);
    fmt::print("http://127.0.0.1:{} is {} with the owner's token\n", door.port(), server);
    std::fflush(stdout);
    door.run();
  } catch (const std::system_error& error) {
    throw job_error(fmt::format("--listen {}: {}", listen, error.code().message()));
  }
}

std::string owner_token(const fs::path& folder) { return read_owner_token(folder); }

std::string reference() {
  std::string folder = (fs::temp_directory_path() / "ringtrain-reference.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw io_error(folder + " cannot be made");
  std::string text;
  {
    Tokens tokens(folder);
    Jobs jobs({.folder = folder, .program = {}, .limits = {}},
              [](const std::string&, const std::string&, const nlohmann::ordered_json&) {});
    EventStream events;
    RequestTimes times;
    Routes routes;
    add_all_routes(routes, jobs, events, tokens, [&]() -> const RequestTimes& { return times; });
    text = rest_reference(routes);
  }
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return text;
}

}  // namespace ringtrain::server
