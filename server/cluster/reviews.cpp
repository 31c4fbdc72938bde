// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/reviews.hpp"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>

#include "mpijob/client/api_error.hpp"
#include "mpijob/client/json_path.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::json;
using Answer = ClusterReview::Answer;

constexpr std::chrono::seconds kTimeout(5);

// Throws an ApiError where there is no answer.
json ask(mpijob::ApiClient& client, const std::string& target, const json& object) {
  const net::HttpResponse response = client.transport().perform(
      {.method = "POST", .target = target, .body = object.dump(), .timeout = kTimeout});
  json answer = json::parse(response.body, nullptr, false);
  if (response.status == 201 && answer.is_object()) return answer;
  const std::string message = answer.is_object() ? mpijob::look_text(answer, {"message"}) : "";
  throw mpijob::ApiError(
      response.status, "",
      fmt::format("the API server refuses {} to this server ({}): is its role of the chart there?",
                  target, message.empty() ? std::to_string(response.status) : message));
}

json access_review(const json& user, const ClusterRight& right, const std::string& name_space) {
  json attributes = {{"namespace", name_space},
                     {"verb", right.verb},
                     {"group", right.group},
                     {"resource", right.resource}};
  if (!right.subresource.empty()) attributes["subresource"] = right.subresource;
  json spec = {{"user", mpijob::look_text(user, {"username"})},
               {"uid", mpijob::look_text(user, {"uid"})},
               {"resourceAttributes", attributes}};
  if (user.contains("groups")) spec["groups"] = user["groups"];
  if (user.contains("extra")) spec["extra"] = user["extra"];
  return {{"apiVersion", "authorization.k8s.io/v1"},
          {"kind", "LocalSubjectAccessReview"},
          {"metadata", {{"namespace", name_space}}},
          {"spec", spec}};
}

}  // namespace

std::string ClusterRight::text() const {
  return fmt::format("{} {}{}{}", verb, resource, subresource.empty() ? "" : "/" + subresource,
                     group.empty() ? "" : "." + group);
}

ClusterReview review(mpijob::ApiClient& client, const std::string& token,
                     const std::vector<ClusterRight>& rights) {
  try {
    const json known = ask(client, "/apis/authentication.k8s.io/v1/tokenreviews",
                           {{"apiVersion", "authentication.k8s.io/v1"},
                            {"kind", "TokenReview"},
                            {"spec", {{"token", token}}}});
    if (!mpijob::look_flag(known, {"status", "authenticated"})) {
      return {Answer::unknown_token, "", "the cluster does not know the token, or it is over"};
    }
    const json& user = mpijob::look(known, {"status", "user"});
    const std::string name = mpijob::look_text(user, {"username"});
    for (const ClusterRight& right : rights) {
      const json decided =
          ask(client,
              fmt::format("/apis/authorization.k8s.io/v1/namespaces/{}/localsubjectaccessreviews",
                          mpijob::url_escape(client.name_space())),
              access_review(user, right, client.name_space()));
      if (mpijob::look_flag(decided, {"status", "allowed"})) continue;
      return {
          Answer::denied, name,
          fmt::format("{} may not {} in namespace {}: an administrator of the cluster grants it "
                      "by a RoleBinding",
                      name, right.text(), client.name_space())};
    }
    return {Answer::allowed, name, ""};
  } catch (const std::exception& error) {
    return {Answer::unreachable, "",
            fmt::format("the cluster cannot be asked who that is: {}", error.what())};
  }
}

}  // namespace ringtrain::server
