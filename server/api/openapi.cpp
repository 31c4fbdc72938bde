// SPDX-License-Identifier: Apache-2.0
#include "server/api/openapi.hpp"

#include <fmt/format.h>

#include <cctype>
#include <set>

#include "job/keys/schema.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

ordered_json reference(const std::string& name) {
  return {{"$ref", "#/components/schemas/" + name}};
}

ordered_json content(const std::string& type, const ordered_json& schema) {
  return {{"content", {{type, {{"schema", schema}}}}}};
}

// The names in a pattern, in turn.
std::vector<std::string> names_in(const std::string& pattern) {
  std::vector<std::string> names;
  for (size_t at = pattern.find('{'); at != std::string::npos; at = pattern.find('{', at + 1)) {
    std::string name = pattern.substr(at + 1, pattern.find('}', at) - at - 1);
    if (name.ends_with("...")) name.resize(name.size() - 3);
    names.push_back(name);
  }
  return names;
}

std::string openapi_path(std::string pattern) {
  const size_t rest = pattern.find("...}");
  if (rest != std::string::npos) pattern.erase(rest, 3);
  return pattern;
}

// "text/plain" as it is, anything else as the members of a JSON object.
ordered_json success(const Route& route) {
  ordered_json answer = {{"description", "Successful Response"}};
  if (route.style == RouteStyle::seed) {
    answer.update(content("application/json", ordered_json::object()));
  } else if (route.answer.find('/') != std::string::npos) {
    answer.update(content(route.answer, {{"type", "string"}}));
  } else if (!route.answer.empty()) {
    answer["description"] = route.answer;
    answer.update(content("application/json", {{"type", "object"}}));
  }
  return answer;
}

bool has_own_schema(const std::string& body) {
  static const std::set<std::string> names = {"JobRequest",
                                              "SignIn",
                                              "Scale",
                                              "TokenRequest",
                                              "ImportRequest",
                                              "ModelRequest",
                                              "AliasRequest",
                                              "EvaluationRequest",
                                              "BucketUpload",
                                              "BucketParts",
                                              "DeploymentRequest"};
  return names.contains(body);
}

ordered_json operation_of(const Route& route) {
  ordered_json operation = {{"operationId", route.operation}, {"summary", route.summary}};
  ordered_json parameters = ordered_json::array();
  for (const std::string& name : names_in(route.path)) {
    parameters.push_back(
        {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  for (const Parameter& one : route.query) {
    parameters.push_back({{"name", one.name},
                          {"in", "query"},
                          {"required", false},
                          {"description", one.text},
                          {"schema", {{"type", one.type}}}});
  }
  if (!parameters.empty()) operation["parameters"] = parameters;
  if (has_own_schema(route.body)) {
    operation["requestBody"] = content("application/json", reference(route.body));
    operation["requestBody"]["required"] = true;
  } else if (route.style == RouteStyle::kubeml && !route.body.empty()) {
    operation["requestBody"] = content(route.body, ordered_json::object());
    operation["requestBody"]["required"] = true;
  } else if (route.body.find('/') != std::string::npos) {
    operation["requestBody"] =
        content(route.body, {{"type", "string"}, {"contentMediaType", route.body}});
    operation["requestBody"]["required"] = true;
  } else if (!route.body.empty()) {
    operation["requestBody"] = {{"required", true},
                                {"content",
                                 {{"application/yaml", {{"schema", {{"type", "string"}}}}},
                                  {"application/json", {{"schema", reference("Job")}}}}}};
  }
  operation["responses"][std::to_string(route.success)] = success(route);
  if (route.style == RouteStyle::seed) {
    operation["responses"]["422"] = content("application/json", reference("HTTPValidationError"));
    operation["responses"]["422"]["description"] = "Validation Error";
  } else if (route.style == RouteStyle::ours) {
    operation["responses"]["default"] = content("application/problem+json", reference("Problem"));
    operation["responses"]["default"]["description"] = "The mistake, and what to do";
  }
  operation["security"] = route.access == Access::open
                              ? ordered_json::array()
                              : ordered_json::array({{{"token", ordered_json::array()}}});
  return operation;
}

// The schemas of k8s-distributed-training, as FastAPI prints them.
ordered_json seed_schemas() {
  const auto field = [](const char* title, const char* type, const ordered_json& value) {
    ordered_json schema = {{"type", type}, {"title", title}};
    if (!value.is_null()) schema["default"] = value;
    return schema;
  };
  return {{"JobRequest",
           {{"properties",
             {{"job_name", field("Job Name", "string", nullptr)},
              {"image", field("Image", "string", "trainer:latest")},
              {"epochs", field("Epochs", "integer", 2)},
              {"dataset_size", field("Dataset Size", "integer", 0)},
              {"batch_size", field("Batch Size", "integer", 64)},
              {"world_size", field("World Size", "integer", 2)},
              {"dataset_type", field("Dataset Type", "string", "mnist")},
              {"dataset_uri", field("Dataset Uri", "string", nullptr)}}},
            {"type", "object"},
            {"required", ordered_json::array({"job_name"})},
            {"title", "JobRequest"}}},
          {"HTTPValidationError",
           {{"properties",
             {{"detail",
               {{"items", reference("ValidationError")}, {"type", "array"}, {"title", "Detail"}}}}},
            {"type", "object"},
            {"title", "HTTPValidationError"}}},
          {"ValidationError",
           {{"properties",
             {{"loc",
               {{"items",
                 {{"anyOf", ordered_json::array({{{"type", "string"}}, {{"type", "integer"}}})}}},
                {"type", "array"},
                {"title", "Location"}}},
              {"msg", field("Message", "string", nullptr)},
              {"type", field("Error Type", "string", nullptr)}}},
            {"type", "object"},
            {"required", ordered_json::array({"loc", "msg", "type"})},
            {"title", "ValidationError"}}}};
}

// An object of texts, without other members.
ordered_json texts(const std::vector<const char*>& required, const std::vector<const char*>& more) {
  ordered_json schema = {{"type", "object"},
                         {"required", required},
                         {"additionalProperties", false},
                         {"properties", ordered_json::object()}};
  for (const auto& list : {required, more}) {
    for (const char* const name : list) schema["properties"][name] = {{"type", "string"}};
  }
  return schema;
}

ordered_json store_schemas() {
  ordered_json file = texts({}, {"upload", "url", "path"});
  file["minProperties"] = 1;
  file["maxProperties"] = 1;
  ordered_json import = texts({"name", "kind"}, {});
  import["required"].push_back("files");
  import["properties"]["files"] = {{"type", "object"},
                                   { "additionalProperties",
                                     reference("SourceFile") }};
  import["properties"]["options"] = {{ "type", "object" }};
  ordered_json upload = texts({"file"}, {});
  ordered_json parts = texts({"url", "upload_id"}, {});
  for (ordered_json* const one : {&upload, &parts}) {
    (*one)["required"].push_back("bytes");
    (*one)["properties"]["bytes"] = {{"type", "integer"}, {"minimum", 1}};
  }
  return {{"ImportRequest", import},
          {"SourceFile", file},
          {"BucketUpload", upload},
          {"BucketParts", parts},
          {"ModelRequest", texts({"job"}, {"model"})},
          {"DeploymentRequest", texts({"model"}, {"version"})},
          {"EvaluationRequest", texts({"dataset"}, {"split"})},
          {"AliasRequest",
           {{"type", "object"},
            {"required", ordered_json::array({"version"})},
            {"additionalProperties", false},
            {"properties", {{"version", {{"type", "integer"}, {"minimum", 1}}}}}}}};
}

const char* access_name(Access access) {
  switch (access) {
    case Access::open:
      return "none";
    case Access::read:
      return "read";
    case Access::submit:
      return "submit";
    case Access::admin:
      return "admin";
  }
  return "";
}

}  // namespace

ordered_json openapi(const Routes& routes) {
  ordered_json schemas = {
      {"Problem",
       {{"type", "object"},
        {"properties",
         {{"title", {{"type", "string"}}},
          {"status", {{"type", "integer"}}},
          {"detail", {{"type", "string"}}},
          {"errors",
           {{"type", "array"},
            {"items",
             {{"type", "object"},
              {"properties",
               {{"path", {{"type", "string"}}},
                {"line", {{"type", ordered_json::array({"integer", "null"})}}},
                {"message", {{"type", "string"}}},
                {"allowed", {{"type", "string"}}}}}}}}}}}}},
      {"Scale",
       {{"type", "object"},
        {"required", ordered_json::array({"ranks"})},
        {"properties", {{"ranks", {{"type", "integer"}, {"minimum", 1}}}}}}},
      {"Priority",
       {{"type", "object"},
        {"required", ordered_json::array({"priority"})},
        {"properties",
         {{"priority", {{"type", "integer"}, {"minimum", -100}, {"maximum", 100}}}}}}},
      {"SignIn",
       {{"type", "object"},
        {"properties", {{"code", {{"type", "string"}}}, {"token", {{"type", "string"}}}}}}},
      {"TokenRequest",
       {{"type", "object"},
        {"required", ordered_json::array({"name"})},
        {"additionalProperties", false},
        {"properties",
         {{"name", {{"type", "string"}, {"minLength", 1}, {"maxLength", 63}}},
          {"scope",
           {{"type", "string"}, {"enum", ordered_json::array({"read", "submit", "admin"})}}},
          {"days",
           {{"type", ordered_json::array({"integer", "null"})},
            {"minimum", 1},
            {"maximum", 3650}}}}}}}};
  ordered_json job = ordered_json::parse(job_schema());
  job.erase("$schema");
  schemas["Job"] = std::move(job);
  schemas.update(seed_schemas());
  schemas.update(store_schemas());
  ordered_json json = {
      {"openapi", "3.1.0"},
      {"info", {{"title", "ringtrain server"}, {"version", "1"}}},
      {"paths", ordered_json::object()},
      {"components",
       {{"schemas", schemas},
        {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
  for (const Route& route : routes) {
    if (route.operation.empty()) continue;
    std::string method = route.method;
    for (char& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    json["paths"][openapi_path(route.path)][method] = operation_of(route);
  }
  return json;
}

std::string rest_reference(const Routes& routes) {
  std::string text =
      "# REST\n\n"
      "Made from the server's table of routes by `ringtrain server reference`; a running server "
      "has the same as\n`/openapi.json`. [The guide](../guides/server.md) has examples. A token's "
      "scope is read, submit or admin, each with\nthose before it.\n\n"
      "| request | what it does | scope | query | success |\n|---|---|---|---|---|\n";
  for (const Route& route : routes) {
    if (route.operation.empty()) continue;
    std::string query;
    for (const Parameter& one : route.query) {
      query += fmt::format("{}`{}`: {}", query.empty() ? "" : "; ", one.name, one.text);
    }
    text += fmt::format("| `{} {}` | {} | {} | {} | {}{} |\n", route.method, route.path,
                        route.summary, access_name(route.access), query, route.success,
                        route.answer.empty() ? "" : ": " + route.answer);
  }
  return text;
}

}  // namespace ringtrain::server
