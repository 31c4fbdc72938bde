// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "base/text.hpp"
#include "server/data/data_routes.hpp"
#include "server/problem.hpp"
#include "server/served_file.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

const std::string kAll = "/api/v1/datasets";
const std::string kOne = "/api/v1/datasets/{name}";

std::string path_of(const std::string& name) { return kAll + "/" + name; }

// A dataset in a list: numbers in place of lists.
ordered_json in_short(const ordered_json& dataset) {
  ordered_json json = ordered_json::object();
  for (const char* const key : {"name", "kind", "created", "by", "bytes", "uuid", "element",
                                "shape", "train_rows", "test_rows", "has_sheet"}) {
    if (dataset.contains(key)) json[key] = dataset[key];
  }
  for (const char* const key : {"classes", "targets"}) {
    json[key] = dataset.value(key, ordered_json::array()).size();
  }
  return json;
}

ordered_json used_by(Jobs& jobs, const std::string& name) {
  ordered_json list = ordered_json::array();
  for (const auto& [job, state] : jobs.using_dataset(name)) {
    list.push_back({{"name", job}, {"state", state}});
  }
  return list;
}

net::Answer list(const ImportParts& parts) {
  ordered_json all = ordered_json::array();
  for (const ordered_json& dataset : parts.datasets.list()) all.push_back(in_short(dataset));
  return json_answer({{"datasets", all}});
}

net::Answer get(const ImportParts& parts, Jobs& jobs, const Call& call) {
  const std::string name = call.path.at("name");
  ordered_json dataset = parts.datasets.get(name);
  dataset["jobs"] = used_by(jobs, name);
  return json_answer(dataset);
}

net::Answer import(const ImportParts& parts, Operations& operations, const Call& call) {
  ParsedImport parsed = parse_import(call.json_body());
  if (parsed.refusals.empty()) parsed.refusals = check_sources(parsed.request, parts);
  if (!parsed.refusals.empty()) {
    const Refusal& first = parsed.refusals.front();
    throw Problem(422, fmt::format("{}: {}", first.path, first.message),
                  {{"errors", errors_of(parsed.refusals)}});
  }
  const std::string name = parsed.request.dataset;
  const std::string path = path_of(name);
  if (parts.datasets.exists(name)) {
    throw Problem(409, fmt::format("there is a dataset '{}' already: take another name", name),
                  ordered_json::object(), path);
  }
  if (operations.is_under_way(path)) {
    throw Problem(409, fmt::format("a dataset '{}' is being imported: take another name", name));
  }
  if (parts.uploads.most_bytes() == 0) {
    throw Problem(507, fmt::format("the server's disk has less than {} left: delete datasets or "
                                   "uploads that nobody needs",
                                   print_size(kLeastFreeBytes)));
  }
  const ordered_json begun =
      operations.begin("import", path, to_json(parsed.request), call.caller.name);
  net::Answer answer = json_answer(begun, 202);
  answer.headers.emplace_back("Location", "/api/v1/operations/" + begun["id"].get<std::string>());
  return answer;
}

net::Answer remove(const ImportParts& parts, Jobs& jobs, const Call& call) {
  const std::string name = call.path.at("name");
  parts.datasets.folder(name);
  for (const auto& [job, state] : jobs.using_dataset(name)) {
    if (state == "Succeeded" || state == "Failed") continue;
    throw Problem(409,
                  fmt::format("the job '{}' uses this dataset, and is {}: delete the job first, or "
                              "wait for its end",
                              job, state),
                  {{"jobs", used_by(jobs, name)}});
  }
  parts.datasets.remove(name);
  return {.status = 204};
}

net::Answer file_of(const ImportParts& parts, const Call& call, const char* file,
                    const char* type) {
  const auto folder = parts.datasets.folder(call.path.at("name"));
  auto opened = open_below(folder, file);
  if (!opened) {
    throw Problem(404, fmt::format("this dataset has no {}: {}", file,
                                   "samples of images are in sheet.png, of a table in rows.txt"));
  }
  return whole_file(std::move(*opened), type);
}

Route file_route(const ImportParts& parts, const char* file, const char* operation,
                 const char* summary, const char* type) {
  return {
      .method = "GET",
      .path = kOne + "/" + file,
      .operation = operation,
      .summary = summary,
      .answer = type,
      .run = [&parts, file, type](const Call& call) { return file_of(parts, call, file, type); }};
}

}  // namespace

void add_dataset_routes(Routes& routes, const ImportParts& parts, Operations& operations,
                        Jobs& jobs) {
  routes.push_back({.method = "GET",
                    .path = kAll,
                    .operation = "listDatasets",
                    .summary = "List the server's datasets, by name",
                    .answer = "datasets",
                    .run = [&parts](const Call&) { return list(parts); }});
  routes.push_back(
      {.method = "POST",
       .path = kAll,
       .operation = "importDataset",
       .summary = "Make a dataset of uploads, addresses (https) or files below the data "
                  "folders; the operation says how far it is and why it failed",
       .access = Access::submit,
       .body = "ImportRequest",
       .answer = "The operation",
       .success = 202,
       .run = [&parts, &operations](const Call& call) { return import(parts, operations, call); }});
  routes.push_back(
      {.method = "GET",
       .path = "/api/v1/dataset-kinds",
       .operation = "listDatasetKinds",
       .summary = "List the kinds that can be imported, with the files and options of each",
       .answer = "kinds",
       .run = [](const Call&) {
         return json_answer({{"kinds", import_kinds()}});
       }});
  routes.push_back({.method = "GET",
                    .path = kOne,
                    .operation = "getDataset",
                    .summary = "Show a dataset: rows, classes, checksums, and the jobs that use it",
                    .answer = "The dataset",
                    .run = [&parts, &jobs](const Call& call) { return get(parts, jobs, call); }});
  routes.push_back(
      {.method = "DELETE",
       .path = kOne,
       .operation = "deleteDataset",
       .summary = "Delete a dataset for good; refused while a job uses it",
       .access = Access::submit,
       .success = 204,
       .run = [&parts, &jobs](const Call& call) { return remove(parts, jobs, call); }});
  routes.push_back(file_route(parts, "sheet.png", "getDatasetSheet",
                              "Samples of a dataset of images, as a picture", "image/png"));
  routes.push_back(file_route(parts, "rows.txt", "getDatasetRows", "Samples of a table, as text",
                              "text/plain; charset=utf-8"));
}

void add_operation_routes(Routes& routes, Operations& operations) {
  routes.push_back({.method = "GET",
                    .path = "/api/v1/operations",
                    .operation = "listOperations",
                    .summary = "List imports and evaluations of the last 7 days, the newest first",
                    .answer = "operations",
                    .run = [&operations](const Call&) {
                      return json_answer({{"operations", operations.list()}});
                    }});
  routes.push_back({.method = "GET",
                    .path = "/api/v1/operations/{id}",
                    .operation = "getOperation",
                    .summary = "Show an operation: state, step, progress, error",
                    .answer = "The operation",
                    .run = [&operations](const Call& call) {
                      return json_answer(operations.get(call.path.at("id")));
                    }});
  routes.push_back({.method = "DELETE",
                    .path = "/api/v1/operations/{id}",
                    .operation = "cancelOperation",
                    .summary = "Cancel an operation that waits or runs; nothing of it stays",
                    .access = Access::submit,
                    .answer = "The operation",
                    .run = [&operations](const Call& call) {
                      return json_answer(operations.cancel(call.path.at("id")));
                    }});
}

}  // namespace ringtrain::server
