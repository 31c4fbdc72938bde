// SPDX-License-Identifier: Apache-2.0
// Users of the cluster at the server's doors: whoever may do it with kubectl may do it here, and
// nobody else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/api/route.hpp"
#include "server/cluster/reviewer.hpp"

namespace ringtrain::server {

// Thrown where an answer needs a review that is not known yet: `pending` is finished once it is,
// and the request is answered again then.
struct ReviewPending {
  std::shared_ptr<net::HttpPending> pending;
};

// The rights that a route needs in the cluster.
std::vector<ClusterRight> rights_for(const Route& route);

// Returns the user of a token. Throws a Problem: 401 where the cluster does not know it, 403 with
// the right that is missing, 503 where the cluster cannot be asked; a ReviewPending where it is
// asked now.
Caller cluster_user(Reviewer& reviewer, const std::string& token,
                    const std::vector<ClusterRight>& rights);

}  // namespace ringtrain::server
