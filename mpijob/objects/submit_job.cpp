// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/submit_job.hpp"

#include <fmt/format.h>

#include "base/check.hpp"
#include "mpijob/client/api_error.hpp"
#include "mpijob/client/json_path.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct Created {
  Resource resource;
  std::string name;
};

Resource resource_for(const ordered_json& object) {
  return resource_of(object.at("apiVersion").get<std::string>(),
                     object.at("kind").get<std::string>());
}

std::string name_in(const ordered_json& object) {
  return object.at("metadata").at("name").get<std::string>();
}

bool is_mpijob(const ordered_json& object) { return object.at("kind") == "MPIJob"; }

bool is_ours(const json& object) {
  return label_of(object, "app.kubernetes.io/managed-by") == "ringtrain";
}

// Creates an object. Returns false where there is one that ringtrain has not created.
bool create(ApiClient& client, const Resource& resource, const ordered_json& object) {
  try {
    client.create(resource, object);
    return true;
  } catch (const ApiError& error) {
    if (error.reason() != "AlreadyExists") throw;
  }
  const auto there = client.find(resource, name_in(object));
  if (there && !is_ours(*there)) {
    if (resource.singular == "ConfigMap") {
      throw ApiError(409, "AlreadyExists",
                     fmt::format("ConfigMap {} in namespace {} already exists and is not "
                                 "ringtrain's: choose another name for the job",
                                 name_in(object), client.name_space()));
    }
    return false;
  }
  // Left over from a job of the same name.
  client.remove(resource, name_in(object), json::object());
  client.create(resource, object);
  return true;
}

json owner_reference(const json& mpijob) {
  return {{"apiVersion", mpijob["apiVersion"]},
          {"kind", "MPIJob"},
          {"name", name_of(mpijob)},
          {"uid", look_text(mpijob, {"metadata", "uid"})}};
}

void remove_all(ApiClient& client, const std::vector<Created>& made) {
  for (const Created& one : made) {
    try {
      client.remove(one.resource, one.name, json::object());
    } catch (const std::exception&) {
      continue;  // the error that made us give up says more than this one
    }
  }
}

}  // namespace

void submit_job(ApiClient& client, const std::vector<ordered_json>& objects) {
  const ordered_json* job = nullptr;
  for (const ordered_json& object : objects) {
    if (is_mpijob(object)) job = &object;
  }
  RINGTRAIN_CHECK(job != nullptr);
  // Checked before anything is created, as the running job uses its ConfigMap.
  if (client.find(mpi_jobs, name_in(*job))) {
    throw ApiError(
        409, "AlreadyExists",
        fmt::format("job {0} already exists in namespace {1}: 'ringtrain status {0}' shows its "
                    "state and 'ringtrain delete {0}' deletes it; or choose another name with "
                    "--set name=NAME",
                    name_in(*job), client.name_space()));
  }

  std::vector<Created> made;
  json created;
  try {
    for (const ordered_json& object : objects) {
      const Resource resource = resource_for(object);
      if (is_mpijob(object)) {
        created = client.create(resource, object);
      } else if (create(client, resource, object)) {
        made.push_back({resource, name_in(object)});
      }
    }
  } catch (...) {
    if (!created.is_null()) made.push_back({mpi_jobs, name_in(*job)});
    remove_all(client, made);
    throw;
  }
  const json owner = {{"metadata", {{"ownerReferences", json::array({owner_reference(created)})}}}};
  for (const Created& one : made) {
    if (one.resource.singular == "PersistentVolumeClaim") continue;  // data outlives its job
    client.patch(one.resource, one.name, owner);
  }
}

}  // namespace ringtrain::mpijob
