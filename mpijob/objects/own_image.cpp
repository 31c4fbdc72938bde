// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/own_image.hpp"

#include <utility>

#include "mpijob/objects/render.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;

ordered_json file_mount(const char* name) {
  return {{"name", "job"},
          {"mountPath", std::string("/etc/") + name},
          {"subPath", name},
          {"readOnly", true}};
}

}  // namespace

ordered_json own_image_files() {
  return {{"passwd",
           "root:x:0:0:root:/root:/bin/sh\n"
           "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
           "mpiuser:x:1000:1000::/ringtrain/home:/bin/sh\n"},
          {"group", "root:x:0:\nnogroup:x:65534:\nmpiuser:x:1000:\n"}};
}

void add_tree(ordered_json init, ordered_json& pod) {
  const ordered_json tree_mount = {{"name", "ringtrain"}, {"mountPath", "/ringtrain"}};
  init["command"] = {"cp", "-r", "/opt/ringtrain/.", "/ringtrain/"};
  init["terminationMessagePolicy"] = "FallbackToLogsOnError";
  init["volumeMounts"] = ordered_json::array({tree_mount});
  ordered_json& inits = pod["initContainers"];
  if (inits.is_null()) inits = ordered_json::array();
  inits.insert(inits.begin(), std::move(init));
  pod["volumes"].push_back({{"name", "ringtrain"}, {"emptyDir", ordered_json::object()}});
  ordered_json& mounts = pod["containers"][0]["volumeMounts"];
  mounts.push_back(tree_mount);
  mounts.push_back(file_mount("passwd"));
  mounts.push_back(file_mount("group"));
}

ordered_json own_image_launcher(const JobSpec& job) {
  ordered_json command = {kOwnImageWorker,     "run",     kJobFileInPods, "--hostfile",
                          "/etc/mpi/hostfile", "--events"};
  if (job.output.is_relative()) {
    command.push_back("--set");
    command.push_back("output=/ringtrain/output/" + job.name);
  }
  return command;
}

}  // namespace ringtrain::mpijob
