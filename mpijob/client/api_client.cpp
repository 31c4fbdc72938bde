// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/api_client.hpp"

#include <fmt/format.h>

#include <utility>

#include "mpijob/client/api_error.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

std::string with_query(const std::string& target, const std::string& query) {
  return query.empty() ? target : target + "?" + query;
}

}  // namespace

std::string Selection::query() const {
  std::string text;
  if (!labels.empty()) text += "labelSelector=" + url_escape(labels);
  if (!fields.empty()) text += (text.empty() ? "" : "&") + ("fieldSelector=" + url_escape(fields));
  return text;
}

ApiClient::ApiClient(Access access) : transport_(std::make_unique<Transport>(std::move(access))) {}

json ApiClient::perform(const std::string& verb, const Resource& resource, const std::string& name,
                        const ApiRequest& request) {
  const net::HttpResponse response = transport_->perform(request);
  const Action action{verb, resource, name_space(), name};
  if (!is_success(response)) {
    throw explain_refusal(action, response.status, response.body);
  }
  json value = json::parse(response.body, nullptr, false);
  if (!value.is_object()) {
    throw ApiError(
        response.status, "",
        fmt::format("{} does not answer {} with JSON: is it a Kubernetes API server? ({})",
                    transport_->access().server, request.target, transport_->access().origin));
  }
  return value;
}

json ApiClient::get(const Resource& resource, const std::string& name) {
  return perform("get", resource, name, {.target = address(resource, name_space(), name)});
}

std::optional<json> ApiClient::find(const Resource& resource, const std::string& name) {
  try {
    return get(resource, name);
  } catch (const ApiError& error) {
    if (error.status() == 404 && error.reason() == "NotFound") return std::nullopt;
    throw;
  }
}

json ApiClient::list(const Resource& resource, const Selection& selection) {
  json whole;
  std::string next;
  do {
    std::string query = selection.query();
    query += (query.empty() ? "" : "&") + std::string("limit=500");
    if (!next.empty()) query += "&continue=" + url_escape(next);
    json page;
    try {
      page = perform("list", resource, "",
                     {.target = with_query(address(resource, name_space()), query)});
    } catch (const ApiError& error) {
      // The list has changed too much since its first page: start again.
      if (error.status() != 410 || next.empty()) throw;
      whole = nullptr;
      next.clear();
      continue;
    }
    next = page["metadata"].value("continue", "");
    if (whole.is_null()) {
      whole = std::move(page);
      if (!whole["items"].is_array()) whole["items"] = json::array();
    } else {
      for (json& item : page["items"]) whole["items"].push_back(std::move(item));
    }
  } while (!next.empty() || whole.is_null());
  return whole;
}

json ApiClient::create(const Resource& resource, const nlohmann::ordered_json& object) {
  const std::string name = object.at("metadata").value("name", "");
  return perform("create", resource, name,
                 {.method = "POST",
                  .target = with_query(address(resource, name_space()),
                                       "fieldManager=ringtrain&fieldValidation=Strict"),
                  .body = object.dump()});
}

json ApiClient::patch(const Resource& resource, const std::string& name, const json& changes) {
  return perform(
      "patch", resource, name,
      {.method = "PATCH",
       .target = with_query(address(resource, name_space(), name), "fieldManager=ringtrain"),
       .body = changes.dump(),
       .content_type = "application/merge-patch+json"});
}

bool ApiClient::remove(const Resource& resource, const std::string& name, const json& options) {
  try {
    perform("delete", resource, name,
            {.method = "DELETE",
             .target = address(resource, name_space(), name),
             .body = options.dump()});
    return true;
  } catch (const ApiError& error) {
    if (error.status() == 404 && error.reason() == "NotFound") return false;
    throw;
  }
}

std::string ApiClient::log(const std::string& pod, const std::string& query) {
  const net::HttpResponse response =
      transport_->perform({.target = with_query(address(pod_logs, name_space(), pod), query)});
  if (!is_success(response)) {
    throw explain_refusal({"get", pod_logs, name_space(), pod}, response.status, response.body);
  }
  return response.body;
}

}  // namespace ringtrain::mpijob
