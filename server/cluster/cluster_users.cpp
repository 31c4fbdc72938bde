// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/cluster_users.hpp"

#include <string_view>

#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

ClusterRight of_jobs(const char* verb) { return {verb, "kubeflow.org", "mpijobs", ""}; }

}  // namespace

std::vector<ClusterRight> rights_for(const Route& route) {
  const std::string_view what = route.operation;
  if (what == "submitJob" || what == "cloneJob" || what == "submit_job_jobs_post") {
    // The objects that `ringtrain submit` makes.
    return {
        of_jobs("create"), {"create", "", "configmaps", ""}, {"create", "", "serviceaccounts", ""}};
  }
  if (what == "deleteJob") return {of_jobs("delete")};
  if (route.access == Access::submit) return {of_jobs("patch")};
  const bool has_log = route.path.find("/logs") != std::string::npos ||
                       route.path.find("/files") != std::string::npos;
  if (has_log) return {of_jobs("get"), {"get", "", "pods", "log"}};
  const bool is_of_one = route.path.find("{name}") != std::string::npos ||
                         route.path.find("{job_name}") != std::string::npos;
  return {of_jobs(is_of_one ? "get" : "list")};
}

Caller cluster_user(Reviewer& reviewer, const std::string& token,
                    const std::vector<ClusterRight>& rights) {
  const auto pending = std::make_shared<net::HttpPending>();
  const auto review = reviewer.look(token, rights, [pending] { pending->finish(); });
  if (!review) throw ReviewPending{pending};
  switch (review->answer) {
    case ClusterReview::Answer::allowed:
      break;
    case ClusterReview::Answer::unknown_token:
      throw Problem(401, review->why);
    case ClusterReview::Answer::denied:
      throw Problem(403, review->why);
    case ClusterReview::Answer::unreachable:
      throw Problem(503, review->why);
  }
  return {review->user, Scope::submit};
}

}  // namespace ringtrain::server
