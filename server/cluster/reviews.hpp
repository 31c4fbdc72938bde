// SPDX-License-Identifier: Apache-2.0
// Who a user of the cluster is, and what that user may do there: the API server's own word, by a
// TokenReview and a LocalSubjectAccessReview for each right. The server lends nobody its rights.
#pragma once

#include <string>
#include <vector>

#include "mpijob/client/api_client.hpp"

namespace ringtrain::server {

// A right in the server's namespace, as RBAC names it.
struct ClusterRight {
  std::string verb;         // "create"
  std::string group;        // "kubeflow.org"; empty: the core group
  std::string resource;     // "mpijobs"
  std::string subresource;  // "log" of pods; empty: none

  // Returns "create mpijobs.kubeflow.org".
  std::string text() const;
};

struct ClusterReview {
  enum class Answer { allowed, unknown_token, denied, unreachable };
  Answer answer = Answer::unreachable;
  std::string user;  // where the token is known
  std::string why;   // one line; empty: allowed
};

// Asks the API server; some seconds at most. Never throws.
ClusterReview review(mpijob::ApiClient& client, const std::string& token,
                     const std::vector<ClusterRight>& rights);

}  // namespace ringtrain::server
