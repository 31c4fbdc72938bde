// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "base/text.hpp"
#include "mpijob/client/json_path.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

const json no_event;  // null

std::string one_line(const std::string& text) {
  std::string result;
  for (const char c : trimmed(text)) result += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  constexpr size_t kLongest = 400;
  return result.size() > kLongest ? result.substr(0, kLongest) + "..." : result;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const auto start = text.find(before);
  if (start == std::string::npos) return "";
  const auto from = start + before.size();
  const auto end = text.find(after, from);
  return end == std::string::npos ? "" : text.substr(from, end - from);
}

// The scheduler's message: "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. no new claims
// ..., preemption: ...". The text after the reasons is of no use to the user.
Problem unschedulable(const std::string& message) {
  if (const std::string claim = between(message, "persistentvolumeclaim \"", "\"");
      !claim.empty() && contains(message, "not found")) {
    return {"ClaimNotFound",
            fmt::format("PersistentVolumeClaim {} not found: create it, or name another in the "
                        "job's volumes",
                        claim)};
  }
  if (contains(message, "unbound immediate PersistentVolumeClaims")) {
    return {"ClaimUnbound",
            "a PersistentVolumeClaim of the job is not bound to a volume: see kubectl describe "
            "pvc (no storage class provisions one, or no volume fits it)"};
  }
  std::string reasons = message;
  for (const char* tail : {". preemption:", ". no new claims", ", preemption:"}) {
    reasons = reasons.substr(0, reasons.find(tail));
  }
  const bool short_of = contains(message, "Insufficient");
  return {"Unschedulable",
          fmt::format("no node fits the pod: {}{}", one_line(reasons),
                      short_of ? "; request less, or wait until nodes are free" : "")};
}

Problem image_problem(const json& pod, const json& container, const std::string& reason,
                      const std::vector<json>& events) {
  const std::string image = look_text(container, {"image"});
  // The event of the first failure has the reason; that of the back-off after it has none.
  std::string why = look_text(container, {"state", "waiting", "message"});
  const json* newest = &no_event;
  for (const json& event : events) {
    const std::string message = look_text(event, {"message"});
    if (look_text(event, {"involvedObject", "name"}) == name_of(pod) &&
        message.starts_with("Failed to pull image")) {
      newest = &event;
    }
  }
  if (newest->is_object()) why = look_text(*newest, {"message"});
  // Every layer of the runtime adds its own text in front; the last part is the cause.
  if (const auto last = why.rfind(": "); last != std::string::npos && why.size() > 160) {
    const auto before = why.rfind(": ", last - 1);
    why = why.substr(before == std::string::npos ? last + 2 : before + 2);
  }
  return {"ImagePull", fmt::format("image {} cannot be pulled ({}): {}; check kubernetes.image and "
                                   "its pull secrets",
                                   image, reason, one_line(why))};
}

std::string exit_of(const json& terminated) {
  const int64_t signal = look_number(terminated, {"signal"});
  if (signal != 0) return fmt::format("signal {}", signal);
  const int64_t code = look_number(terminated, {"exitCode"});
  if (code == 137) return "exit code 137 (killed)";
  return fmt::format("exit code {}", code);
}

Problem exit_problem(const std::string& name, const json& terminated, bool again) {
  const std::string reason = look_text(terminated, {"reason"});
  const std::string words = last_words(look_text(terminated, {"message"}));
  if (reason == "OOMKilled") {
    return {"OutOfMemory",
            fmt::format("container {} was killed because it used more memory than its limit: raise "
                        "kubernetes.memory, or lower batch_size",
                        name)};
  }
  if (reason == "StartError" || reason == "ContainerCannotRun") {
    return {"CannotStart", fmt::format("container {} cannot start: {}", name,
                                       one_line(look_text(terminated, {"message"})))};
  }
  return {again ? "CrashLoop" : "Ended",
          fmt::format("container {} {} with {}{}{}", name, again ? "keeps exiting" : "exited",
                      exit_of(terminated), words.empty() ? "" : ": ", words)};
}

// Returns a problem with the creation of a container, which only events report.
std::optional<Problem> creation_event(const json& pod, const std::vector<json>& events, Time now) {
  const json& event = newest_event(events, "Pod", name_of(pod),
                                   {"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox",
                                    "FailedMapVolume", "NetworkNotReady"});
  // The kubelet tries again for ever, with pauses of up to two minutes.
  const auto at = event_time(event);
  if (!at || now - *at > std::chrono::minutes(5)) return std::nullopt;
  const std::string message = one_line(look_text(event, {"message"}));
  const std::string reason = look_text(event, {"reason"});
  if (reason == "FailedMount" || reason == "FailedAttachVolume" || reason == "FailedMapVolume") {
    return Problem{"VolumeMount", fmt::format("a volume cannot be mounted: {}", message)};
  }
  return Problem{reason, message};
}

std::optional<Problem> container_problem(const json& pod, const json& container,
                                         const std::vector<json>& events, Time now) {
  static constexpr std::array<const char*, 6> kImageReasons = {
      "ErrImagePull",      "ImagePullBackOff",    "InvalidImageName",
      "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError"};
  const std::string name = look_text(container, {"name"});
  const json& last = look(container, {"lastState", "terminated"});
  if (const json& waiting = look(container, {"state", "waiting"}); waiting.is_object()) {
    const std::string reason = look_text(waiting, {"reason"});
    if (std::find(kImageReasons.begin(), kImageReasons.end(), reason) != kImageReasons.end()) {
      return image_problem(pod, container, reason, events);
    }
    if (reason == "CrashLoopBackOff") return exit_problem(name, last, true);
    if (reason == "ContainerCreating" || reason == "PodInitializing" || reason.empty()) {
      return creation_event(pod, events, now);
    }
    return Problem{"CannotStart", fmt::format("container {} cannot start ({}): {}", name, reason,
                                              one_line(look_text(waiting, {"message"})))};
  }
  if (const json& terminated = look(container, {"state", "terminated"}); terminated.is_object()) {
    if (look_number(terminated, {"exitCode"}) != 0)
      return exit_problem(name, terminated, last.is_object());
    return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Problem> stuck_in_termination(const json& pod, Time now) {
  const auto until = parse_time(look_text(pod, {"metadata", "deletionTimestamp"}));
  if (!until || now - *until < std::chrono::seconds(15)) return std::nullopt;
  const std::string node = look_text(pod, {"spec", "nodeName"});
  return Problem{
      "NodeLost",
      fmt::format("stuck in Terminating on node {0}, which does not respond: start the node, or if "
                  "it is lost for good have its administrator run kubectl delete node {0}",
                  node)};
}

}  // namespace

std::string last_words(const std::string& message) {
  std::istringstream lines(message);
  std::string last;
  std::string own;
  for (std::string line; std::getline(lines, line);) {
    if (line.find('\x1e') != std::string::npos || trimmed(line).empty()) continue;
    last = trimmed(line);
    if (last.starts_with("ringtrain: ")) own = last.substr(11);
  }
  return one_line(own.empty() ? last : own);
}

std::optional<Time> event_time(const json& event) {
  std::optional<Time> newest;
  for (const auto& text :
       {look_text(event, {"lastTimestamp"}), look_text(event, {"series", "lastObservedTime"}),
        look_text(event, {"eventTime"}), look_text(event, {"firstTimestamp"})}) {
    const auto time = parse_time(text);
    if (time && (!newest || *time > *newest)) newest = time;
  }
  return newest;
}

const json& newest_event(const std::vector<json>& events, const std::string& kind,
                         const std::string& name, const std::vector<std::string>& reasons) {
  const json* newest = &no_event;
  for (const json& event : events) {
    if (look_text(event, {"involvedObject", "kind"}) != kind ||
        look_text(event, {"involvedObject", "name"}) != name ||
        std::find(reasons.begin(), reasons.end(), look_text(event, {"reason"})) == reasons.end()) {
      continue;
    }
    if (newest->is_null() || event_time(event) > event_time(*newest)) newest = &event;
  }
  return *newest;
}

Problem creation_problem(const std::string& message) {
  std::string cause = message;
  for (const char* wrapping : {"worker pod created failed: ", "Error creating: "}) {
    if (cause.starts_with(wrapping)) cause = cause.substr(std::string(wrapping).size());
  }
  cause = one_line(cause);
  if (contains(cause, "exceeded quota")) {
    return {"Quota", fmt::format("the namespace's quota is exceeded: {}",
                                 cause.substr(cause.find("exceeded quota: ") + 16))};
  }
  if (contains(cause, "violates PodSecurity")) {
    return {"PodSecurity", fmt::format("the namespace's Pod Security standard forbids the pods: {}",
                                       cause.substr(cause.find("violates PodSecurity ") + 21))};
  }
  if (contains(cause, "serviceaccount") && contains(cause, "not found")) {
    return {"ServiceAccount", fmt::format("service account {} not found: create it, or leave out "
                                          "kubernetes.service_account",
                                          between(cause, "serviceaccount \"", "\""))};
  }
  if (const std::string priority = between(cause, "no PriorityClass with name ", " was found");
      !priority.empty()) {
    return {"PriorityClass", fmt::format("PriorityClass {} not found: choose another "
                                         "kubernetes.priority_class",
                                         priority)};
  }
  return {"PodsRefused", fmt::format("pods cannot be created: {}", cause)};
}

std::optional<Problem> pod_problem(const json& pod, const std::vector<json>& events, Time now) {
  if (look(pod, {"metadata", "deletionTimestamp"}).is_string()) {
    return stuck_in_termination(pod, now);
  }
  const std::string node = look_text(pod, {"spec", "nodeName"});
  const std::string reason = look_text(pod, {"status", "reason"});
  const std::string message = one_line(look_text(pod, {"status", "message"}));
  if (look_text(pod, {"status", "phase"}) == "Failed" && !reason.empty()) {
    if (reason == "Evicted") {
      return Problem{"Evicted", fmt::format("evicted from node {}: {}", node, message)};
    }
    if (reason != "DeadlineExceeded") {
      return Problem{reason, fmt::format("terminated by node {} ({}): {}", node, reason, message)};
    }
  }
  const json& scheduled = condition(pod, "PodScheduled");
  if (look_text(scheduled, {"status"}) == "False") {
    const std::string why = look_text(scheduled, {"message"});
    if (look_text(scheduled, {"reason"}) == "SchedulingGated") {
      return Problem{"SchedulingGated", "a scheduling gate holds the pod back: " + one_line(why)};
    }
    return unschedulable(why);
  }
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    const json& containers = look(pod, {"status", list});
    if (!containers.is_array()) continue;
    for (const json& container : containers) {
      if (auto problem = container_problem(pod, container, events, now)) return problem;
    }
  }
  // Ready containers in a pod that is not ready: the node controller has set that, as the kubelet
  // does not respond.
  const json& ready = condition(pod, "Ready");
  const bool gated = look_text(ready, {"reason"}) == "ReadinessGatesNotReady";
  if (look_text(ready, {"status"}) == "False" && has_condition(pod, "ContainersReady") && !gated) {
    return Problem{"NodeLost", fmt::format("node {} has not responded since {}", node,
                                           look_text(ready, {"lastTransitionTime"}))};
  }
  return std::nullopt;
}

}  // namespace ringtrain::mpijob
