// SPDX-License-Identifier: Apache-2.0
#include "serving/deploy/deployments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"

namespace ringtrain::serving {
namespace {

// Names stand in paths of URLs and in labels of metrics.
bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

// A version of other samples or classes is another model: its clients would misread it.
std::string why_other(const ServedModel& current, const ServedModel& next) {
  const datasets::DatasetIndex& a = current.samples;
  const datasets::DatasetIndex& b = next.samples;
  if (a.shape == b.shape && a.element == b.element && a.class_names == b.class_names &&
      a.targets.names == b.targets.names) {
    return "";
  }
  return "it takes other samples, or has other classes or targets, than the current version: "
         "serve it under a name of its own";
}

}  // namespace

Deployments::Deployments(Load load, Post post) : load_(std::move(load)), post_(std::move(post)) {}

void Deployments::add(const std::string& name, const std::string& path) {
  if (!is_name(name)) {
    throw job_error(fmt::format(
        "'{}' is no name for a model: name it as NAME={}, of letters, digits, '-', '_' and '.'",
        name, path));
  }
  if (all_.count(name) > 0) {
    throw job_error(fmt::format("two models are called {}: name one as NAME={}", name, path));
  }
  auto version = load_(name, "1", path);
  all_[name] = {.current = std::move(version), .canary = {}, .versions = 1};
}

const Deployment& Deployments::find(const std::string& name) const {
  const auto found = all_.find(name);
  if (found == all_.end()) throw no_such(name);
  return found->second;
}

Deployment& Deployments::at(const std::string& name) {
  const auto found = all_.find(name);
  if (found == all_.end()) throw no_such(name);
  return found->second;
}

Refusal Deployments::no_such(const std::string& name) const {
  std::string names;
  for (const auto& [other, deployment] : all_) names += (names.empty() ? "" : ", ") + other;
  return {404, fmt::format("there is no model {}; there is {}", name, names)};
}

Version& Deployments::choose(const std::string& name, const std::string& version) {
  Deployment& deployment = at(name);
  const auto& canary = deployment.canary;
  if (!version.empty()) {
    if (version == deployment.current->model.version) return *deployment.current;
    if (canary && version == canary->version->model.version) return *canary->version;
    throw Refusal(404, fmt::format("version {} of {} is not served; version {} is", version, name,
                                   deployment.current->model.version));
  }
  if (canary && is_for_canary(deployment.chosen++, canary->options.percent)) {
    return *canary->version;
  }
  return *deployment.current;
}

void Deployments::load(const std::string& name, const std::string& path, const Use& use,
                       const Done& done) {
  const std::string number = std::to_string(++at(name).versions);
  loader_.post([this, name, number, path, use, done] {
    std::shared_ptr<Version> version;
    std::string error;
    try {
      version = load_(name, number, path);
    } catch (const std::exception& failure) {
      error = failure.what();
    }
    post_([this, name, version = std::move(version), error, use, done]() mutable {
      if (version) {
        Deployment& deployment = at(name);
        error = why_other(deployment.current->model, version->model);
        if (error.empty()) error = use(deployment, version);
        if (!error.empty()) retire(std::move(version));
      }
      done(error);
    });
  });
}

void Deployments::replace(const std::string& name, const std::string& path, const Done& done) {
  load(
      name, path,
      [this, name](Deployment& deployment, std::shared_ptr<Version> version) {
        if (deployment.canary) end_canary(name, "another version was deployed");
        retire(std::exchange(deployment.current, std::move(version)));
        return std::string();
      },
      done);
}

void Deployments::begin_canary(const std::string& name, const std::string& path,
                               const CanaryOptions& options, const Done& done) {
  load(
      name, path,
      [this, name, options](Deployment& deployment, std::shared_ptr<Version> version) {
        std::string why = why_no_canary(deployment.current->evaluation, version->evaluation);
        if (!why.empty()) return why;
        if (deployment.canary) end_canary(name, "another canary was deployed");
        deployment.canary = Canary{.version = std::move(version), .options = options};
        deployment.before_canary = deployment.current->counts();
        deployment.chosen = 0;
        return why;
      },
      done);
}

void Deployments::end_canary(const std::string& name, const std::string& why) {
  Deployment& deployment = at(name);
  if (!deployment.canary) throw Refusal(404, fmt::format("{} has no canary", name));
  deployment.last_canary =
      fmt::format("version {} was taken back: {}", deployment.canary->version->model.version, why);
  retire(std::move(deployment.canary->version));
  deployment.canary.reset();
}

void Deployments::promote(Deployment& deployment) {
  retire(std::exchange(deployment.current, std::move(deployment.canary->version)));
  deployment.canary.reset();
}

void Deployments::judge() {
  for (auto& [name, deployment] : all_) {
    if (!deployment.canary) continue;
    const Canary& canary = *deployment.canary;
    RequestCounts current = deployment.current->counts();
    const RequestCounts& before = deployment.before_canary;
    if (current.requests > before.requests) {
      current = {current.requests - before.requests, current.failures - before.failures};
    }
    const Judgement found = judge_canary(current, canary.version->counts(), canary.options.after);
    if (found.verdict == Verdict::take_back) {
      end_canary(name, found.why);
    } else if (found.verdict == Verdict::promote) {
      deployment.last_canary =
          fmt::format("version {} was promoted: {}", canary.version->model.version, found.why);
      promote(deployment);
    } else {
      continue;
    }
    log_info(fmt::format("{}: {}", name, deployment.last_canary));
  }
}

// It waits for what it has accepted; that may take long.
void Deployments::retire(std::shared_ptr<Version> version) {
  loader_.post([version = std::move(version)]() mutable { version.reset(); });
}

}  // namespace ringtrain::serving
