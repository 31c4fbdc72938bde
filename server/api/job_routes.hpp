// SPDX-License-Identifier: Apache-2.0
// Parts of the table of routes. Each adds to it; what is passed must live as long as the table.
#pragma once

#include <functional>

#include "server/api/audit.hpp"
#include "server/api/event_stream.hpp"
#include "server/api/request_times.hpp"
#include "server/api/route.hpp"
#include "server/cluster/reviewer.hpp"
#include "server/jobs/jobs.hpp"
#include "server/kubeml/metrics.hpp"
#include "server/operations/machine_check.hpp"

namespace ringtrain::server {

// Jobs: submit, list, show, and their changes; the event stream.
void add_job_routes(Routes& routes, Jobs& jobs, EventStream& events);

// More of a job: series, ranks, timeline, spec.
void add_view_routes(Routes& routes, Jobs& jobs);

// Files and logs of a job.
void add_file_routes(Routes& routes, Jobs& jobs);

// POST /jobs and GET /jobs/{job_name}, as k8s-distributed-training has them. `defaults`: of
// read_seed_defaults(), for jobs in a cluster; null: there those are refused.
void add_seed_routes(Routes& routes, Jobs& jobs, const nlohmann::json& defaults);

// /healthz, /readyz, /metrics, /openapi.json, the schema, the machine, and sign-in.
// `reviewer`: of the cluster whose tokens sign in, too; null: none do.
void add_machine_routes(Routes& routes, Jobs& jobs, const EventStream& events, Tokens& tokens,
                        const std::function<const RequestTimes&()>& times, const Kubeml& kubeml,
                        MachineCheck& check, Reviewer* reviewer = nullptr);

// The pages below /ui/, and /docs.
void add_page_routes(Routes& routes);
// Tokens, and the audit of changes.
void add_token_routes(Routes& routes, Tokens& tokens, const Audit& audit);

}  // namespace ringtrain::server
