// SPDX-License-Identifier: Apache-2.0
// Which version of each model answers requests. A new version is loaded beside the old one, takes
// its place between two requests, and the old one is freed once it has answered what it accepted.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "serving/deploy/batcher.hpp"
#include "serving/deploy/canary.hpp"
#include "serving/deploy/loader.hpp"
#include "serving/protocol/refusal.hpp"
#include "serving/protocol/served_model.hpp"

namespace ringtrain::serving {

// A model that answers requests. The batcher comes last: it ends first, and its requests use the
// rest until then.
struct Version {
  ServedModel model;
  std::string path;
  std::optional<EvaluationFigures> evaluation;
  std::shared_ptr<void> network;  // what the batcher computes with
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> failures{0};  // that the model could not compute
  std::unique_ptr<Batcher> batcher;

  RequestCounts counts() const { return {.requests = requests, .failures = failures}; }
};

struct Canary {
  std::shared_ptr<Version> version;
  CanaryOptions options;
};

struct Deployment {
  std::shared_ptr<Version> current;
  std::optional<Canary> canary;
  std::string last_canary = {};   // how the last one ended: "version 2 was promoted: ..."
  RequestCounts before_canary{};  // of the current version
  uint64_t chosen = 0;            // requests since the canary began
  uint64_t versions = 0;          // numbers given so far
};

// Thread: one, the server's, calls.
class Deployments {
 public:
  // Loads a model, checks it against its evaluation and runs it once. Throws an Error of one line.
  // Called by the loader's thread.
  using Load = std::function<std::shared_ptr<Version>(
      const std::string& name, const std::string& version, const std::string& path)>;
  // Runs work on the server's thread.
  using Post = std::function<void(std::function<void()>)>;
  // Is called on the server's thread; error: empty where it worked.
  using Done = std::function<void(const std::string& error)>;

  Deployments(Load load, Post post);

  // Loads a model at once. Throws a job error where the name is taken or none.
  void add(const std::string& name, const std::string& path);
  const std::map<std::string, Deployment>& all() const { return all_; }

  // Returns the version that answers a request; by its number, where one is asked for, else the
  // current one or the canary, by its share. Throws a Refusal with status 404.
  Version& choose(const std::string& name, const std::string& version = "");
  const Deployment& find(const std::string& name) const;

  // Loads another version, which takes the current one's place, and ends a canary.
  void replace(const std::string& name, const std::string& path, const Done& done);
  // Loads a version that takes a share of the requests until it is promoted or taken back.
  void begin_canary(const std::string& name, const std::string& path, const CanaryOptions& options,
                    const Done& done);
  void end_canary(const std::string& name, const std::string& why);
  // Promotes canaries, or takes them back, where it is time.
  void judge();

 private:
  using Use = std::function<std::string(Deployment& deployment, std::shared_ptr<Version> version)>;

  Deployment& at(const std::string& name);
  Refusal no_such(const std::string& name) const;
  // Loads beside everything else; use() returns why the version cannot be used, or nothing.
  void load(const std::string& name, const std::string& path, const Use& use, const Done& done);
  void retire(std::shared_ptr<Version> version);
  void promote(Deployment& deployment);

  Load load_;
  Post post_;
  std::map<std::string, Deployment> all_;
  Loader loader_;
};

}  // namespace ringtrain::serving
