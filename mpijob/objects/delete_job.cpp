// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/delete_job.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "base/deadline.hpp"
#include "mpijob/client/api_error.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/client/watcher.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

// Pods get this long to terminate before they are deleted by force.
constexpr std::chrono::seconds kGrace(5);

const Resource service_accounts{"v1", "serviceaccounts", "ServiceAccount"};

// Deletes the objects that `ringtrain render` gave the job, and returns their number. A missing
// right does not matter: there may be nothing to delete.
int delete_rendered(ApiClient& client, const std::string& name) {
  int deleted = 0;
  const Selection ours{"app.kubernetes.io/managed-by=ringtrain,app.kubernetes.io/instance=" + name,
                       ""};
  for (const Resource& resource : {config_maps, service_accounts}) {
    json list;
    try {
      list = client.list(resource, ours);
    } catch (const ApiError& error) {
      if (error.status() != 403) throw;
      continue;
    }
    for (const json& object : list["items"]) {
      if (client.remove(resource, name_of(object), json::object())) ++deleted;
    }
  }
  return deleted;
}

// Deletes pods that are not ready without waiting for their node.
void force_deletion(ApiClient& client, const Watch& watch) {
  for (const auto& [name, pod] : watch.objects()) {
    const json& ready = condition(pod, "Ready");
    if (look_text(ready, {"status"}) != "True") {
      client.remove(pods, name, {{"gracePeriodSeconds", 0}});
    }
  }
}

std::string describe(const Watch& watch) {
  std::string text;
  for (const auto& [name, pod] : watch.objects()) {
    const std::string node = look_text(pod, {"spec", "nodeName"});
    text += fmt::format("{}{} on node {}", text.empty() ? "" : ", ", name,
                        node.empty() ? "none" : node);
  }
  return text;
}

}  // namespace

void delete_job(ApiClient& client, const std::string& name, const DeleteOptions& options) {
  const bool there = client.remove(mpi_jobs, name, {{"propagationPolicy", "Background"}});
  const int rendered = delete_rendered(client, name);
  if (!there && rendered == 0) client.get(mpi_jobs, name);  // throws: not found

  Watch watch(pods, {"training.kubeflow.org/job-name=" + name, ""});
  Watcher watcher(client, {&watch});
  const Deadline limit(options.limit);
  const Deadline grace(kGrace);
  while (watch.must_list() || !watch.objects().empty()) {
    watcher.wait(std::chrono::milliseconds(500));
    if (options.force && grace.passed()) force_deletion(client, watch);
    if (!limit.passed()) continue;
    if (watch.objects().empty()) break;
    throw std::runtime_error(fmt::format(
        "{} is deleted, but pods are still terminating after {} s: {}; if their nodes do not "
        "respond, start those, or delete the pods with 'ringtrain delete --force {}'",
        name, options.limit.count(), describe(watch), name));
  }
}

}  // namespace ringtrain::mpijob
