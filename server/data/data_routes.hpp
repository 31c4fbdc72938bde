// SPDX-License-Identifier: Apache-2.0
// Parts of the table of routes: what a server keeps beside jobs. What is passed must live as long
// as the table.
#pragma once

#include <functional>
#include <string>

#include "server/api/route.hpp"
#include "server/datasets/buckets.hpp"
#include "server/datasets/import_task.hpp"
#include "server/deployments/deployments.hpp"
#include "server/jobs/jobs.hpp"
#include "server/models/models.hpp"
#include "server/operations/operations.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {

// Uploads by tus and PUT.
void add_upload_routes(Routes& routes, Uploads& uploads);

// Returns what takes the body of a request to an upload of its own, whose file is called `name`;
// `done` makes the answer once it is whole and safe on disk. Throws as Uploads::open_whole().
net::BodyReceiver receive_upload(Uploads& uploads, const Call& call, const std::string& name,
                                 std::function<net::Answer(const Upload&)> done);

// Uploads to a bucket, past the server.
void add_bucket_routes(Routes& routes, const BucketUploads& uploads);

// Datasets: import, list, show, delete.
void add_dataset_routes(Routes& routes, const ImportParts& parts, Operations& operations,
                        Jobs& jobs);

// Work that requests have begun.
void add_operation_routes(Routes& routes, Operations& operations);

// Models: versions, cards, aliases, files, evaluations.
void add_model_routes(Routes& routes, Models& models, Datasets& datasets, Operations& operations,
                      Jobs& jobs);

// Models that answer requests: deploy, list, stop.
void add_deployment_routes(Routes& routes, Deployments& deployments);

}  // namespace ringtrain::server
