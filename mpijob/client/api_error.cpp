// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/api_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

constexpr const char* no_operator = "NoOperator";

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
  constexpr std::size_t most = 500;
  if (text.size() > most) text = text.substr(0, most) + "...";
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

// The fields that the server names, or else its message.
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
  // Not only rights: quotas, policies and namespaces that end are told as Forbidden, too.
  const auto cannot = message.find(" cannot ");
  if (cannot == std::string::npos) {
    return fmt::format("the cluster does not allow to {} {}: {}", action.verb, object_of(action),
                       one_line(message));
  }
  std::string user;
  const auto start = message.find("User \"");
  if (start != std::string::npos) {
    const auto from = start + 6;
    user = message.substr(from, message.find('"', from) - from);
  }
  return fmt::format(
      "no right to {} {}: {} needs a Role in namespace {} with verb {} on {}; ask its "
      "administrator for the role of the ringtrain chart",
      action.verb, object_of(action), user.empty() ? "our user" : user, action.name_space,
      action.verb, action.resource.qualified());
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
              fmt::format("the API server does not accept our credentials to {} {}: log in to the "
                          "cluster again, or renew the kubeconfig's token",
                          action.verb, object)};
    case 403:
      return {status, reason, forbidden(action, message)};
    case 404: {
      const json details = details_of(answer);
      const std::string kind = text_of(details, "kind");
      if (kind == "namespaces") {
        return {status, reason,
                fmt::format("there is no namespace {0}: create it (kubectl create namespace {0}) "
                            "or choose another by --namespace",
                            action.name_space)};
      }
      // An unknown kind of object has no details; the name of an object that is missing has.
      if (text_of(details, "name").empty()) {
        if (action.resource.plural == mpi_jobs.plural) {
          return {status, no_operator,
                  "this cluster has no MPIJobs: its administrator must install the Kubeflow MPI "
                  "operator first (kubectl apply --server-side -f its "
                  "deploy/v2beta1/mpi-operator.yaml)"};
        }
        return {status, reason, fmt::format("this cluster has no {}", action.resource.qualified())};
      }
      return {status, reason,
              fmt::format("there is no {}{}", object,
                          action.resource.plural == mpi_jobs.plural
                              ? ": 'ringtrain jobs' lists those that there are"
                              : "")};
    }
    case 409:
      if (reason == "AlreadyExists") {
        return {
            status, reason,
            fmt::format("{} is there already: delete it first, or choose another name", object)};
      }
      return {status, reason,
              fmt::format("{} was changed by somebody else at the same time: {}", object,
                          causes_of(answer, message))};
    case 422:
      return {status, reason,
              fmt::format("the API server refuses {}: {}", object, causes_of(answer, message))};
    default:
      return {status, reason,
              fmt::format("the API server answers {} when asked to {} {}: {}", status, action.verb,
                          object, one_line(message))};
  }
}

bool is_missing_operator(const ApiError& error) { return error.reason() == no_operator; }

}  // namespace ringtrain::mpijob
