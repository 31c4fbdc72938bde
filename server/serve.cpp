// SPDX-License-Identifier: Apache-2.0
#include "server/serve.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "base/machine.hpp"
#include "base/temporary_folder.hpp"
#include "base/text.hpp"
#include "net/http_server.hpp"
#include "server/api/audit.hpp"
#include "server/api/dispatch.hpp"
#include "server/api/event_stream.hpp"
#include "server/api/job_routes.hpp"
#include "server/api/openapi.hpp"
#include "server/api/seed_request.hpp"
#include "server/cluster/reviewer.hpp"
#include "server/data/data_routes.hpp"
#include "server/data/data_store.hpp"
#include "server/kubeml/routes.hpp"
#include "server/network.hpp"
#include "server/operations/machine_check.hpp"
#include "server/server_folder.hpp"
#include "server/store/database.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kTick(200);
constexpr std::chrono::seconds kKeepAlive(15);
constexpr std::chrono::minutes kForget(10);

fs::path this_program() { return fs::read_symlink("/proc/self/exe"); }

JobLimits limits_of(const ServerOptions& options, const fs::path& folder) {
  JobLimits limits{.torchscript = options.torchscript,
                   .scripts = options.scripts,
                   .datasets = folder / "datasets"};
  limits.cores = options.cores > 0 ? options.cores : this_machine_cores().usable();
  std::vector<fs::path> data = options.data;
  if (data.empty()) data.push_back(fs::current_path());
  for (const fs::path& one : data) {
    std::error_code error;
    const fs::path canonical = fs::canonical(one, error);
    if (error) throw job_error(fmt::format("--data {}: {}", one.string(), error.message()));
    limits.data.push_back(canonical);
  }
  for (const std::string& one : options.buckets) limits.buckets.push_back(bucket_of_option(one));
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

// Names a folder of jobs to a cluster. A backup has another one, so that a server of it does not
// take the jobs of this one for its own.
std::string store_name(const fs::path& folder) {
  const fs::path file = folder / "store";
  std::error_code error;
  if (!fs::exists(file, error)) {
    std::random_device random;
    write_file(file, fmt::format("{:08x}{:08x}\n", random(), random()));
  }
  return std::string(trimmed(read_file(file)));
}

std::optional<ClusterPlace> place_of(const ServerOptions& options, const fs::path& folder) {
  if (!options.cluster) return std::nullopt;
  return ClusterPlace{.access = *options.cluster,
                      .name_space = mpijob::find_access(*options.cluster).name_space,
                      .store = store_name(folder),
                      .most_jobs = options.cluster_jobs};
}

std::unique_ptr<Reviewer> reviewer_of(const ServerOptions& options) {
  if (!options.cluster) return nullptr;
  const auto client = std::make_shared<mpijob::ApiClient>(mpijob::find_access(*options.cluster));
  return std::make_unique<Reviewer>(
      [client](const std::string& token, const std::vector<ClusterRight>& rights) {
        return review(*client, token, rights);
      });
}

nlohmann::json seed_defaults_of(const ServerOptions& options) {
  if (options.job_defaults.empty()) return nullptr;
  return read_seed_defaults(read_file(options.job_defaults), options.job_defaults.string());
}

void add_all_routes(Routes& routes, Jobs& jobs, DataStore& store, EventStream& events,
                    Tokens& tokens, const Audit& audit, Kubeml& kubeml, MachineCheck& check,
                    const std::function<const RequestTimes&()>& times,
                    const nlohmann::json& seed_defaults, Reviewer* reviewer = nullptr) {
  add_job_routes(routes, jobs, events);
  add_view_routes(routes, jobs);
  add_file_routes(routes, jobs);
  add_seed_routes(routes, jobs, seed_defaults);
  add_upload_routes(routes, store.uploads);
  add_bucket_routes(routes, store.bucket_uploads);
  add_dataset_routes(routes, store.imports, store.operations, jobs);
  add_operation_routes(routes, store.operations);
  add_model_routes(routes, store.models, store.datasets, store.operations, jobs);
  add_machine_routes(routes, jobs, events, tokens, times, kubeml, check, reviewer);
  add_kubeml_routes(routes, jobs, store.uploads, kubeml);
  add_page_routes(routes);
  add_token_routes(routes, tokens, audit);
}

// The parts of a server, in the order in which they need one another.
class Server {
 public:
  explicit Server(const ServerOptions& options)
      : options_(options),
        folder_(prepare_folder(options.folder)),
        lock_(folder_),
        tokens_(folder_),
        audit_(folder_),
        events_(options.streams),
        on_change_(
            [this](const std::string& kind, const std::string& job,
                   const nlohmann::ordered_json& data) { events_.publish(kind, job, data); }),
        store_(folder_, this_program(), limits_of(options, folder_),
               {options.sources.begin(), options.sources.end()}, on_change_),
        jobs_({.folder = folder_,
               .program = this_program(),
               .limits = store_.limits,
               .tensorboard = options.tensorboard,
               .webhook = webhook_of(options),
               .on_end = [this](const Job& job) { store_.take_end(job); },
               .cluster = place_of(options, folder_)},
              on_change_),
        kubeml_{.storage = KubemlStorage(folder_),
                .tasks = {jobs_, kubeml_.storage, options.function_timeout},
                .predictions = {static_cast<size_t>(jobs_.cores()),
                                std::chrono::seconds(options.function_timeout)}},
        check_(this_program()),
        reviewer_(reviewer_of(options)),
        dispatcher_(routes_, site_of(options), tokens_, audit_, reviewer_.get()) {
    add_all_routes(
        routes_, jobs_, store_, events_, tokens_, audit_, kubeml_, check_,
        [this]() -> const RequestTimes& { return dispatcher_.times(); }, seed_defaults_of(options),
        reviewer_.get());
    http_ = std::make_unique<net::HttpServer>(
        network_of(options), [this](const net::ServedRequest& request) { return answer(request); },
        [this](const net::ServedRequest& head) { return dispatcher_.receive(head); });
  }

  void run() {
    const std::string address = address_of(options_, http_->port());
    lock_.say(address);
    http_->every(kTick, [this] {
      jobs_.tick();
      store_.operations.tick();
      kubeml_.predictions.tick();
    });
    http_->every(kForget, [this] { store_.uploads.forget_old(); });
    http_->every(kKeepAlive, [this] { events_.keep_alive(); });
    jobs_.tick();
    fmt::print("ringtrain server on {}, jobs in {}\n", address, folder_.string());
    if (options_.cluster) {
      // Whoever may read the pod's log would sign in with a code.
      fmt::print("sign in at {}/ui/ with a token of the cluster: kubectl create token NAME\n",
                 address);
    } else {
      fmt::print("open {}/ui/#code={}\n", address, tokens_.new_code());
    }
    std::fflush(stdout);
    http_->run();
    // Nothing is finished any more that waits for a review or a prediction.
    if (reviewer_) reviewer_->stop();
    kubeml_.predictions.stop();
  }

 private:
  net::Answer answer(const net::ServedRequest& request) {
    try {
      return dispatcher_.answer(request);
    } catch (const DatabaseDamaged& damaged) {
      jobs_.rebuild(damaged.what());
      return dispatcher_.answer(request);
    }
  }

  const ServerOptions options_;
  const fs::path folder_;
  FolderLock lock_;
  Tokens tokens_;
  Audit audit_;
  EventStream events_;
  const OnChange on_change_;
  DataStore store_;
  Jobs jobs_;
  Kubeml kubeml_;
  MachineCheck check_;
  Routes routes_;
  std::unique_ptr<Reviewer> reviewer_;
  Dispatcher dispatcher_;
  std::unique_ptr<net::HttpServer> http_;
};

}  // namespace

void serve(const ServerOptions& options) {
  // Nothing that a job starts gets more rights than the server has.
  checked(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
  std::optional<Server> server;
  try {
    server.emplace(options);
  } catch (const std::system_error& error) {
    throw job_error(fmt::format("the server cannot start: {}", error.what()));
  }
  server->run();
}

std::string reference() {
  const TemporaryFolder temporary("ringtrain-reference.");
  const fs::path& folder = temporary.path();
  Tokens tokens(folder);
  Jobs jobs({.folder = folder, .program = {}, .limits = {}},
            [](const std::string&, const std::string&, const nlohmann::ordered_json&) {});
  DataStore store(folder, {}, {}, {}, [](const auto&, const auto&, const auto&) {});
  Kubeml kubeml{.storage = KubemlStorage(folder),
                .tasks = {jobs, kubeml.storage, 0},
                .predictions = {0, std::chrono::seconds(0)}};
  EventStream events;
  RequestTimes times;
  Routes routes;
  const Audit audit(folder);
  MachineCheck check({});
  add_all_routes(
      routes, jobs, store, events, tokens, audit, kubeml, check,
      [&]() -> const RequestTimes& { return times; }, nullptr);
  return rest_reference(routes);
}

}  // namespace ringtrain::server
