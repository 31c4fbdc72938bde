// SPDX-License-Identifier: Apache-2.0
#include "serving/serve.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "net/http_server.hpp"
#include "serving/deploy/deployments.hpp"
#include "serving/load_version.hpp"
#include "serving/model_server.hpp"
#include "serving/protocol/infer_answer.hpp"

namespace ringtrain::serving {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick(100);
// Requests that were sent before others noticed that this server ends still come for a while.
constexpr std::chrono::milliseconds kLeastDrain(500);
constexpr std::chrono::seconds kMostDrain(10);

std::string admin_token(const fs::path& file) {
  if (file.empty()) return "";
  std::string token(trimmed(read_file(file)));
  if (token.size() < 16) {
    throw job_error(fmt::format(
        "--admin-token-file {}: is shorter than 16 bytes: 'openssl rand -hex 32' makes one",
        file.string()));
  }
  return token;
}

net::HttpServerOptions network_of(const ServeOptions& options) {
  net::HttpServerOptions network;
  const size_t colon = options.listen.rfind(':');
  const std::string port = colon == std::string::npos ? "" : options.listen.substr(colon + 1);
  const char* const end = port.data() + port.size();
  if (port.empty() || std::from_chars(port.data(), end, network.port).ptr != end) {
    throw job_error(
        fmt::format("--listen {}: expected ADDRESS:PORT, as 127.0.0.1:8000 or "
                    "0.0.0.0:8000",
                    options.listen));
  }
  network.address = options.listen.substr(0, colon);
  if (network.address.starts_with('[') && network.address.ends_with(']')) {
    network.address = network.address.substr(1, network.address.size() - 2);
  }
  if (options.certificate.empty() != options.key.empty()) {
    throw job_error("--tls-cert and --tls-key: one needs the other");
  }
  if (!options.certificate.empty()) {
    std::string key = read_file(options.key);
    network.identity = {read_file(options.certificate), std::move(key)};
  }
  network.max_body = options.max_body << 20;
  // Services in front of it, as Kubernetes' ingress, are one address.
  network.max_of_an_address = network.max_connections;
  network.refuse = [](int status, const std::string& detail) {
    net::Answer answer = error_answer(status, detail);
    answer.close = true;
    return answer;
  };
  return network;
}

// Returns the name and the path of a model's argument, "NAME=PATH" or a path. Without a name it is
// that of the folder, for a file named model.pt or model.safetensors too, else the file's without
// its ending.
std::pair<std::string, std::string> named_model(const std::string& argument) {
  const size_t equals = argument.find('=');
  if (equals != std::string::npos && argument.find('/') > equals) {
    return {argument.substr(0, equals), argument.substr(equals + 1)};
  }
  fs::path path = fs::path(argument).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  const bool is_usual = path.filename() == "model.pt" || path.filename() == "model.safetensors";
  if (is_usual && path.has_parent_path()) return {path.parent_path().filename(), argument};
  const bool is_file = is_url(argument)
                           ? path.extension() == ".pt" || path.extension() == ".safetensors"
                           : !fs::is_directory(path);
  return {is_file ? path.stem() : path.filename(), argument};
}

class Serve {
 public:
  explicit Serve(const ServeOptions& options)
      : http_(with_signal(network_of(options)),
              [this](net::ServedRequest request) { return routes_->answer(std::move(request)); }),
        deployments_(
            [load = load_options(options)](const std::string& name, const std::string& version,
                                           const std::string& path) {
              return load_version(name, version, path, load);
            },
            [this](std::function<void()> work) { http_.post(std::move(work)); }) {
    routes_.emplace(deployments_,
                    ModelServerOptions{.limits = {.max_rows = options.max_rows},
                                       .timeout = std::chrono::milliseconds(options.timeout_ms),
                                       .admin_token = admin_token(options.admin_token_file)});
    for (const std::string& model : options.models) {
      const auto [name, path] = named_model(model);
      deployments_.add(name, path);
      const Version& version = *deployments_.find(name).current;
      fmt::print("{}: {}, {}\n", name, path,
                 version.evaluation ? "reproduces its evaluation"
                                    : "has no evaluation to be checked against");
    }
    const char* const scheme = options.certificate.empty() ? "http" : "https";
    const std::string address = options.listen.substr(0, options.listen.rfind(':'));
    fmt::print("ringtrain serve on {}://{}:{}\n", scheme, address, http_.port());
    std::fflush(stdout);
  }

  void run() {
    http_.every(kTick, [this] { tick(); });
    http_.run();
  }

 private:
  static LoadOptions load_options(const ServeOptions& options) {
    return {.limits = options.limits,
            .threads = options.threads,
            .require_evaluation = options.require_evaluation};
  }

  net::HttpServerOptions with_signal(net::HttpServerOptions network) {
    network.on_signal = [this] {
      ending_since_ = Clock::now();
      routes_->drain();
    };
    return network;
  }

  void tick() {
    deployments_.judge();
    if (!ending_since_) return;
    const auto time = Clock::now() - *ending_since_;
    const bool is_idle = time > kLeastDrain && http_.in_progress() == 0;
    if (is_idle || time > kMostDrain) http_.stop();
  }

  std::optional<Clock::time_point> ending_since_;
  net::HttpServer http_;
  Deployments deployments_;  // ends before the server that its answers go to
  std::optional<ModelServer> routes_;
};

}  // namespace

void serve(const ServeOptions& options) {
  try {
    Serve(options).run();
  } catch (const std::system_error& error) {
    throw job_error(fmt::format("--listen {}: {}", options.listen, error.what()));
  }
}

}  // namespace ringtrain::serving
