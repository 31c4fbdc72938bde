// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/operator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "mpijob/client/api_error.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/objects/submit_job.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

const Resource leases{"coordination.k8s.io/v1", "leases", "Lease"};
constexpr const char* kLease = "ringtrain-operator";

constexpr milliseconds kLongestPause(30'000);
constexpr std::chrono::seconds kResync(3);

std::string version_of(const json& object) {
  return look_text(object, {"metadata", "resourceVersion"});
}

bool is_conflict(const ApiError& error) { return error.status() == 409 || error.status() == 404; }

TrainInKube identity_of(const json& resource) {
  TrainInKube result;
  result.name = name_of(resource);
  result.uid = look_text(resource, {"metadata", "uid"});
  return result;
}

}  // namespace

void Operator::run(const volatile std::sig_atomic_t& stop) {
  milliseconds pause(1000);
  while (stop == 0) {
    try {
      turn();
      pause = milliseconds(1000);
    } catch (const std::exception& error) {
      log_once(error.what());
      view_.reset();
      const Deadline until(pause);
      while (stop == 0 && !until.passed()) std::this_thread::sleep_for(milliseconds(200));
      pause = std::min(pause * 2, kLongestPause);
    }
  }
  view_.reset();
  release();
}

void Operator::turn() {
  campaign();
  const bool leads = election_.leads(Election::Clock::now());
  if (leads != std::exchange(led_, leads)) {
    log_once(leads ? fmt::format("{} leads in namespace {}", identity_, client_.name_space())
                   : fmt::format("{} waits for the lease {}", identity_, kLease));
  }
  if (!leads) {
    view_.reset();
    std::this_thread::sleep_for(milliseconds(500));
    return;
  }
  if (!view_) view_.emplace(client_);
  const bool changed = view_->wait(milliseconds(1000));
  if (!view_->problem().empty()) log_once(view_->problem());
  if (!view_->is_complete() || !(changed || resync_.passed())) return;
  resync_ = Deadline(kResync);
  for (const std::string& name : view_->names()) {
    campaign();
    if (!election_.leads(Election::Clock::now())) return;
    work_on(name);
  }
}

void Operator::campaign() {
  if (!next_campaign_.passed()) return;
  next_campaign_ = Deadline(Election::kInterval);
  const auto at = Election::Clock::now();
  const auto lease = client_.find(leases, kLease);
  json claim = election_.claim(lease.value_or(json()), std::chrono::system_clock::now(), at);
  if (claim.is_null()) return election_.lost();
  try {
    if (lease) {
      client_.patch(leases, kLease, claim);
    } else {
      claim["metadata"]["name"] = kLease;
      claim["apiVersion"] = leases.api_version;
      claim["kind"] = leases.singular;
      client_.create(leases, claim);
    }
    election_.won(at);
  } catch (const ApiError& error) {
    if (!is_conflict(error)) throw;
    election_.lost();  // another operator was faster
  }
}

void Operator::release() {
  try {
    const auto lease = client_.find(leases, kLease);
    const json patch = election_.release(lease.value_or(json()));
    if (!patch.is_null()) client_.patch(leases, kLease, patch);
  } catch (const std::exception&) {
    return;  // the lease ends by itself
  }
}

void Operator::work_on(const std::string& name) {
  Backoff& backoff = refused_[name];
  if (!backoff.next_try.passed()) return;
  const ObservedResource seen = view_->observe(name);
  // The watch has not seen our own last change yet.
  if (written_[name] == version_of(seen.resource)) return;
  try {
    apply(seen, reconcile(seen, settings_));
    backoff = Backoff();
  } catch (const ApiError& error) {
    backoff.next_try = Deadline(backoff.pause);
    backoff.pause = std::min(backoff.pause * 2, kLongestPause);
    if (error.status() == 0) throw;  // the server is down
    if (error.status() == 409 && error.reason() == "Conflict")
      return;  // seen again, and planned anew
    const json& before = look(seen.resource, {"status"});
    json patch = {{"reason", error.reason()}, {"why", error.what()}};
    if (look_text(before, {"phase"}).empty()) patch["phase"] = "Pending";
    if (look_text(before, {"why"}) != error.what()) patch_status(seen, patch);
  }
}

void Operator::apply(const ObservedResource& seen, const Plan& plan) {
  const std::string name = name_of(seen.resource);
  if (!plan.finalizers.is_null()) {
    client_.patch(
        train_in_kubes, name,
        {{"metadata",
          {{"finalizers", plan.finalizers}, {"resourceVersion", version_of(seen.resource)}}}});
    written_[name] = version_of(seen.resource);
  }
  for (const auto& object : plan.create) create(seen, object);
  if (!plan.submit.empty()) submit(seen, plan);
  for (const auto& [resource, object] : plan.remove) {
    client_.remove(resource, object, {{"propagationPolicy", "Background"}});
  }
  if (!plan.status.is_null()) patch_status(seen, plan.status);
}

void Operator::create(const ObservedResource& seen, const nlohmann::ordered_json& object) {
  const Resource resource =
      resource_of(object.at("apiVersion").get<std::string>(), object.at("kind").get<std::string>());
  try {
    client_.create(resource, object);
  } catch (const ApiError& error) {
    if (error.reason() != "AlreadyExists") throw;
    const std::string name = object.at("metadata").at("name").get<std::string>();
    const auto there = client_.find(resource, name);
    if (there && belongs_to(*there, identity_of(seen.resource))) return;
    throw ApiError(409, "NameTaken",
                   fmt::format("{} {} exists already and is not this resource's: delete it, or "
                               "give the TrainInKube another name",
                               resource.singular, name));
  }
}

void Operator::submit(const ObservedResource& seen, const Plan& plan) {
  try {
    submit_job(client_, plan.submit);
  } catch (const ApiError& error) {
    if (error.reason() != "AlreadyExists") throw;
    const auto there = client_.find(mpi_jobs, name_of(seen.resource));
    if (!there || !belongs_to(*there, identity_of(seen.resource))) throw;
  }
}

void Operator::patch_status(const ObservedResource& seen, const json& patch) {
  const std::string name = name_of(seen.resource);
  try {
    client_.patch(train_in_kube_states, name, {{"status", patch}});
  } catch (const ApiError& error) {
    if (error.status() == 404) return;  // it was deleted meanwhile
    log_once(error.what());
    return;
  }
  written_[name] = version_of(seen.resource);
  report(seen, patch);
}

// Logs a change of the phase, or a reason that is new, and makes an event of it.
void Operator::report(const ObservedResource& seen, const json& patch) {
  const json& before = look(seen.resource, {"status"});
  const std::string phase = patch.value("phase", look_text(before, {"phase"}));
  const std::string reason = patch.value("reason", look_text(before, {"reason"}));
  const bool is_new = phase != look_text(before, {"phase"}) ||
                      (reason != look_text(before, {"reason"}) && !reason.empty());
  if (!is_new) return;
  const std::string why = patch.value("why", look_text(before, {"why"}));
  const std::string name = name_of(seen.resource);
  const std::string line = why.empty() ? phase : fmt::format("{}: {}", phase, why);
  log_once(fmt::format("{}: {}", name, line));
  const std::string time = print_time(seen.now);
  const auto number = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  try {
    client_.create(events, {{"apiVersion", "v1"},
                            {"kind", "Event"},
                            {"metadata", {{"name", fmt::format("{}.{:x}", name, number.count())}}},
                            {"involvedObject",
                             {{"apiVersion", train_in_kubes.api_version},
                              {"kind", train_in_kubes.singular},
                              {"name", name},
                              {"namespace", client_.name_space()},
                              {"uid", look_text(seen.resource, {"metadata", "uid"})}}},
                            {"reason", reason.empty() ? phase : reason},
                            {"message", line},
                            {"type", phase == "Failed" ? "Warning" : "Normal"},
                            {"source", {{"component", "ringtrain-operator"}}},
                            {"firstTimestamp", time},
                            {"lastTimestamp", time},
                            {"count", 1}});
  } catch (const ApiError& error) {
    log_once(error.what());  // the status says the same
  }
}

void Operator::log_once(const std::string& line) {
  if (line == last_line_) return;
  last_line_ = line;
  log_info(line);
}

}  // namespace ringtrain::mpijob
