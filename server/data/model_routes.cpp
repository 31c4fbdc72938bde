// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/data/data_routes.hpp"
#include "server/jobs/submission.hpp"
#include "server/models/job_model.hpp"
#include "server/problem.hpp"
#include "server/served_file.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

const std::string kAll = "/api/v1/models";
const std::string kOne = "/api/v1/models/{model}";
const std::string kVersion = "/api/v1/models/{model}/versions/{version}";

std::string text_in(const ordered_json& body, const char* key, const std::string& none) {
  const auto found = body.find(key);
  if (found == body.end()) return none;
  if (!found->is_string()) throw Problem(422, fmt::format("{}: must be a text", key));
  return found->get<std::string>();
}

net::Answer begun_answer(const ordered_json& begun) {
  net::Answer answer = json_answer(begun, 202);
  answer.headers.emplace_back("Location", "/api/v1/operations/" + begun["id"].get<std::string>());
  return answer;
}

struct Parts {
  Models& models;
  Datasets& datasets;
  Operations& operations;
  Jobs& jobs;

  int version_in(const Call& call) const {
    return models.number_of(call.path.at("model"), call.path.at("version"));
  }

  net::Answer list() const { return json_answer({{"models", models.list()}}); }

  net::Answer add(const Call& call) const {
    const ordered_json body = call.json_body();
    const std::string job = text_in(body, "job", "");
    if (job.empty()) throw Problem(422, "the body must be {\"job\": JOB, \"model\": NAME}");
    const ordered_json shown = jobs.get(job);
    const JobFolder folder = jobs.folder(job);
    const std::string model = text_in(body, "model", job);
    if (!is_job_name(model)) {
      throw Problem(422,
                    "model: must be lower-case letters, digits and '-', at most 63, with a "
                    "letter or digit at both ends");
    }
    if (shown.value("state", "") != "Succeeded" || !shown.value("script", "").empty()) {
      throw Problem(409,
                    fmt::format("'{}' is {}: only a job that has trained a model to its end has a "
                                "version to give",
                                job, shown.value("state", "")),
                    {{"state", shown.value("state", "")}});
    }
    return begun_answer(operations.begin("model", kAll + "/" + model,
                                         to_request(model_request_of(folder, shown, model)),
                                         call.caller.name));
  }

  net::Answer evaluate(const Call& call) const {
    const ordered_json body = call.json_body();
    ModelRequest request{.model = call.path.at("model"), .version = version_in(call)};
    request.dataset_name = text_in(body, "dataset", "");
    request.split = text_in(body, "split", "test");
    if (request.split != "test" && request.split != "train") {
      throw Problem(422, "split: must be test or train");
    }
    request.dataset = (datasets.folder(request.dataset_name) / "data.h5").string();
    return begun_answer(operations.begin(
        "model", fmt::format("{}/{}/versions/{}", kAll, request.model, request.version),
        to_request(request), call.caller.name));
  }

  net::Answer set_alias(const Call& call) const {
    const std::string model = call.path.at("model");
    const ordered_json body = call.json_body();
    const auto version = body.find("version");
    if (body.size() != 1 || version == body.end() || !version->is_number_unsigned()) {
      throw Problem(422, "the body must be {\"version\": N}");
    }
    models.set_alias(model, call.path.at("alias"), version->get<int>());
    return json_answer(models.get(model));
  }

  net::Answer download(const Call& call) const {
    const std::string file = call.path.at("file");
    const bool is_known =
        std::find(std::begin(kModelFiles), std::end(kModelFiles), file) != std::end(kModelFiles);
    const int version = version_in(call);
    auto opened =
        is_known ? open_below(models.folder(call.path.at("model"), version), file) : std::nullopt;
    if (!opened) throw Problem(404, "this version has no such file: its card lists all");
    return download_answer(std::move(*opened), file, call.request.header("range"));
  }
};

Route route(const char* method, const std::string& path, const char* operation, const char* summary,
            const char* answer, std::function<net::Answer(const Call&)> run) {
  return {.method = method,
          .path = path,
          .operation = operation,
          .summary = summary,
          .access = std::string_view(method) == "GET" ? Access::read : Access::submit,
          .answer = answer,
          .run = std::move(run)};
}

void add_version_routes(Routes& routes, const Parts& parts) {
  routes.push_back(route("GET", kVersion, "getModelVersion",
                         "Show a version's card: job, data, order, checksums, evaluations; the "
                         "version is a number, an alias or latest",
                         "The card", [parts](const Call& call) {
                           return json_answer(
                               parts.models.card(call.path.at("model"), parts.version_in(call)));
                         }));
  routes.push_back(route("DELETE", kVersion, "deleteModelVersion",
                         "Delete a version for good; refused while it has an alias", "",
                         [parts](const Call& call) {
                           parts.models.remove(call.path.at("model"), parts.version_in(call));
                           return net::Answer{.status = 204};
                         }));
  routes.back().success = 204;
  routes.push_back(route("GET", kVersion + "/files/{file}", "getModelFile",
                         "Download model.safetensors, model.pt or model.pth; ranges are possible",
                         "application/octet-stream",
                         [parts](const Call& call) { return parts.download(call); }));
  routes.push_back(route("POST", kVersion + "/evaluations", "evaluateModel",
                         "Evaluate a version on one of the server's datasets, as {\"dataset\": "
                         "NAME, \"split\": \"test\"}",
                         "The operation",
                         [parts](const Call& call) { return parts.evaluate(call); }));
  routes.back().success = 202;
  routes.back().body = "EvaluationRequest";
}

}  // namespace

void add_model_routes(Routes& routes, Models& models, Datasets& datasets, Operations& operations,
                      Jobs& jobs) {
  const Parts parts{models, datasets, operations, jobs};
  routes.push_back(route("GET", kAll, "listModels",
                         "List models with their newest version and aliases", "models",
                         [parts](const Call&) { return parts.list(); }));
  routes.push_back(route("POST", kAll, "addModelVersion",
                         "Make a job's model the next version of a model, as {\"job\": JOB, "
                         "\"model\": NAME}; a job that ends well does so by itself, under its name",
                         "The operation", [parts](const Call& call) { return parts.add(call); }));
  routes.back().success = 202;
  routes.back().body = "ModelRequest";
  routes.push_back(route(
      "GET", kOne, "getModel", "Show a model: versions, the newest first, aliases", "The model",
      [parts](const Call& call) { return json_answer(parts.models.get(call.path.at("model"))); }));
  routes.push_back(route("PUT", kOne + "/aliases/{alias}", "setModelAlias",
                         "Give a version an alias, as {\"version\": 2}; it is taken from another",
                         "The model", [parts](const Call& call) { return parts.set_alias(call); }));
  routes.back().body = "AliasRequest";
  routes.push_back(route("DELETE", kOne + "/aliases/{alias}", "deleteModelAlias",
                         "Delete an alias, not its version", "", [parts](const Call& call) {
                           parts.models.remove_alias(call.path.at("model"), call.path.at("alias"));
                           return net::Answer{.status = 204};
                         }));
  routes.back().success = 204;
  add_version_routes(routes, parts);
}

}  // namespace ringtrain::server
