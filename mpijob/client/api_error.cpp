// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/api_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

std::string text_of(const json& value, const char* key) {
  if (!value.is_object()) return "";
  const auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>() : "";
}

json details_of(const json& status) {
  if (!status.is_object()) return json::object();
  const auto found = status.find("details");
  return found != status.end() && found->is_object() ? *found : json::object();
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  constexpr size_t kLongest = 500;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return std::string(trimmed(text));
}

// "MPIJob mnist in namespace lab", "pods in namespace lab"
std::string object_of(const Action& action) {
  if (action.name.empty()) {
    return fmt::format("{} in namespace {}", action.resource.plural, action.name_space);
  }
  return fmt::format("{} {} in namespace {}", action.resource.singular, action.name,
                     action.name_space);
}

// Returns the fields that the server names, or else its message.
std::string causes_of(const json& status, const std::string& message) {
  std::string text;
  const json details = details_of(status);
  const auto causes = details.find("causes");
  if (causes != details.end() && causes->is_array()) {
    for (const json& cause : *causes) {
      const std::string field = text_of(cause, "field");
      const std::string problem = text_of(cause, "message");
      text += fmt::format("{}{}{}{}", text.empty() ? "" : "; ", field, field.empty() ? "" : ": ",
                          problem);
    }
  }
  return one_line(text.empty() ? message : text);
}

std::string forbidden(const Action& action, const std::string& message) {
  // Quotas, policies and namespaces that are being deleted are reported as Forbidden, too.
  const auto cannot = message.find(" cannot ");
  if (cannot == std::string::npos) {
    return fmt::format("forbidden: cannot {} {}: {}", action.verb, object_of(action),
                       one_line(message));
  }
  std::string user;
  const auto start = message.find("User \"");
  if (start != std::string::npos) {
    const auto from = start + 6;
    user = message.substr(from, message.find('"', from) - from);
  }
  return fmt::format(
      "forbidden: {} cannot {} {}: it needs a Role with verb {} on {}; ask the namespace's "
      "administrator for the role of the ringtrain chart",
      user.empty() ? "this user" : user, action.verb, object_of(action), action.verb,
      action.resource.qualified());
}

}  // namespace

ApiError explain_refusal(const Action& action, long status, const std::string& body) {
  const json answer = json::parse(body, nullptr, false);
  const std::string reason = text_of(answer, "reason");
  const std::string given = text_of(answer, "message");
  const std::string message = given.empty() ? body : given;
  const std::string object = object_of(action);

  switch (status) {
    case 401:
      return {status, reason,
              fmt::format(
                  "unauthorized: the API server does not accept the credentials to {} {}: log in "
                  "to the cluster again, or renew the kubeconfig's token",
                  action.verb, object)};
    case 403:
      return {status, reason, forbidden(action, message)};
    case 404: {
      const json details = details_of(answer);
      const std::string kind = text_of(details, "kind");
      if (kind == "namespaces") {
        return {status, reason,
                fmt::format("namespace {0} not found: create it (kubectl create namespace {0}) or "
                            "choose another with --namespace",
                            action.name_space)};
      }
      // An unknown kind of object has no details; the name of an object that is missing has.
      if (text_of(details, "name").empty()) {
        if (action.resource.plural == mpi_jobs.plural) {
          return {status, reason,
                  "this cluster has no MPIJobs: its administrator must install the Kubeflow MPI "
                  "operator first (kubectl apply --server-side -f its "
                  "deploy/v2beta1/mpi-operator.yaml)"};
        }
        return {status, reason, fmt::format("this cluster has no {}", action.resource.qualified())};
      }
      return {status, reason,
              fmt::format("{} not found{}", object,
                          action.resource.plural == mpi_jobs.plural
                              ? ": 'ringtrain jobs' lists the jobs of the namespace"
                              : "")};
    }
    case 409:
      if (reason == "AlreadyExists") {
        return {status, reason,
                fmt::format("{} already exists: delete it first, or choose another name", object)};
      }
      return {status, reason,
              fmt::format("conflict: {} was changed by another client at the same time: {}", object,
                          causes_of(answer, message))};
    case 422:
      return {status, reason, fmt::format("{} is invalid: {}", object, causes_of(answer, message))};
    default:
      return {status, reason,
              fmt::format("the API server answers {} to {} {}: {}", status, action.verb, object,
                          one_line(message))};
  }
}

}  // namespace ringtrain::mpijob
