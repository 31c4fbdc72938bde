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

struct Made {
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

// False where one is there that is not the job's own.
bool make(ApiClient& client, const Resource& resource, const ordered_json& object) {
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
                     fmt::format("ConfigMap {} in namespace {} is there already and is not "
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

void remove_all(ApiClient& client, const std::vector<Made>& made) {
  for (const Made& one : made) {
    try {
      client.remove(one.resource, one.name, json::object());
    } catch (const std::exception&) {
      continue;  // the failure that led here is the better message
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
  // Before anything is made: its ConfigMap is in use.
  if (client.find(mpi_jobs, name_in(*job))) {
    throw ApiError(
        409, "AlreadyExists",
        fmt::format("there is a job {0} in namespace {1} already: 'ringtrain status {0}' "
                    "tells how it is, 'ringtrain delete {0}' removes it; or choose "
                    "another name by --set name=NAME",
                    name_in(*job), client.name_space()));
  }

  std::vector<Made> made;
  json created;
  try {
    for (const ordered_json& object : objects) {
      const Resource resource = resource_for(object);
      if (is_mpijob(object)) {
        created = client.create(resource, object);
      } else if (make(client, resource, object)) {
        made.push_back({resource, name_in(object)});
      }
    }
  } catch (...) {
    if (!created.is_null()) made.push_back({mpi_jobs, name_in(*job)});
    remove_all(client, made);
    throw;
  }
  const json owner = {{"metadata", {{"ownerReferences", json::array({owner_reference(created)})}}}};
  for (const Made& one : made) {
    if (one.resource.singular == "PersistentVolumeClaim") continue;  // data outlives its job
    client.patch(one.resource, one.name, owner);
  }
}

}  // namespace ringtrain::mpijob
