// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/machine.hpp"
#include "job/keys/schema.hpp"
#include "server/api/cookie.hpp"
#include "server/api/job_routes.hpp"
#include "server/api/metrics.hpp"
#include "server/api/openapi.hpp"
#include "server/cluster/cluster_users.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::hours kCookieLifetime(30 * 24);

net::Answer text_answer(const std::string& text) {
  return {.headers = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = text};
}

// Returns what lets a browser in for a token: a session, or a token of the cluster itself, which
// ends where it was made. Throws a Problem 401 where nobody knows it.
std::string session_for(Tokens& tokens, Reviewer* reviewer, const std::string& token) {
  if (tokens.find(token)) return tokens.begin_session(token);
  if (reviewer == nullptr || token.find_first_of("; ,\r\n\"\\") != std::string::npos) {
    throw Problem(401, "the token is not known here");
  }
  cluster_user(*reviewer, token, {});
  return token;
}

net::Answer sign_in(Tokens& tokens, Reviewer* reviewer, const Call& call) {
  const ordered_json body = call.json_body();
  std::string token;
  if (body.contains("code") && body["code"].is_string()) {
    const auto made = tokens.redeem(body["code"].get<std::string>());
    if (!made) {
      throw Problem(401,
                    "the code was used, or is older than two minutes: 'ringtrain server url' "
                    "prints a new address");
    }
    token = *made;
  } else if (body.contains("token") && body["token"].is_string()) {
    token = session_for(tokens, reviewer, body["token"].get<std::string>());
  } else {
    throw Problem(400, "the body must have a code or a token");
  }
  net::Answer answer{.status = 204};
  answer.headers.emplace_back("Set-Cookie", set_cookie(call.request, token, kCookieLifetime));
  return answer;
}

net::Answer sign_out(Tokens& tokens, const Call& call) {
  tokens.end_session(cookie_token(call.request));
  net::Answer answer{.status = 204};
  answer.headers.emplace_back("Set-Cookie", set_cookie(call.request, "", std::chrono::seconds(0)));
  return answer;
}

// Nodes, in the order of their names, with the pods of jobs on each; pods without a node are under
// "". Null where jobs run on this machine.
ordered_json cluster_of(const Jobs& jobs) {
  if (!jobs.cluster()) return nullptr;
  std::map<std::string, ordered_json> nodes;
  for (const auto& [name, job] : jobs.active()) {
    if (!job->lives()) continue;
    for (const ClusterPod& pod : job->cluster_run().pods) {
      auto& pods = nodes.try_emplace(pod.node, ordered_json::array()).first->second;
      pods.push_back({{"job", name},
                      {"pod", pod.name},
                      {"role", pod.role},
                      {"state", pod.state},
                      {"why", pod.why}});
    }
  }
  ordered_json list = ordered_json::array();
  for (auto& [node, pods] : nodes) list.push_back({{"node", node}, {"pods", std::move(pods)}});
  return {{"namespace", jobs.cluster()->name_space},
          {"most_jobs", jobs.cluster()->most_jobs},
          {"nodes", list}};
}

ordered_json system_of(const Jobs& jobs) {
  ordered_json running = ordered_json::array();
  ordered_json waiting = ordered_json::array();
  for (const auto& [name, job] : jobs.active()) {
    if (job->lives()) running.push_back({{"job", name}, {"cores", job->busy_ranks()}});
    if (job->state().state == JobState::queued) {
      ordered_json shown = job->to_json();
      waiting.push_back({{"job", name},
                         {"cores", job->ranks()},
                         {"why", job->state().why},
                         {"position", shown.value("queue_position", 0)}});
    }
  }
  return {{"cores", jobs.cores()},
          {"busy_cores", jobs.busy_cores()},
          {"running", running},
          {"waiting", waiting},
          {"disk_free_bytes", jobs.free_bytes()},
          {"folder", jobs.path().string()},
          {"data", jobs.data_folders()},
          {"scripts", jobs.runs_scripts()},
          {"cluster", cluster_of(jobs)}};
}

net::Answer ready(const Jobs& jobs) {
  if (jobs.free_bytes() < kLeastFreeBytes) {
    throw Problem(503, fmt::format("the disk of {} is nearly full", jobs.path().string()));
  }
  return text_answer("ok\n");
}

Route plain(const char* path, const char* operation, const char* summary,
            std::function<net::Answer(const Call&)> run) {
  return {.method = "GET",
          .path = path,
          .operation = operation,
          .summary = summary,
          .access = Access::open,
          .run = std::move(run),
          .style = RouteStyle::plain};
}

void add_probes(Routes& routes, Jobs& jobs) {
  routes.push_back(plain("/healthz", "getHealth", "Whether the server lives",
                         [](const Call&) { return text_answer("ok\n"); }));
  routes.back().answer = "text/plain";
  routes.push_back(plain("/readyz", "getReadiness", "Whether it can take jobs",
                         [&jobs](const Call&) { return ready(jobs); }));
  routes.back().answer = "text/plain";
  routes.push_back(
      plain("/openapi.json", "getOpenapi", "This table, as OpenAPI 3.1",
            [&routes, text = std::string()](const Call&) mutable {
              // Made once, when all routes are there.
              if (text.empty()) text = openapi(routes).dump(2) + "\n";
              return net::Answer{.headers = {{"Content-Type", "application/json"}}, .body = text};
            }));
}

}  // namespace

void add_machine_routes(Routes& routes, Jobs& jobs, const EventStream& events, Tokens& tokens,
                        const std::function<const RequestTimes&()>& times, const Kubeml& kubeml,
                        MachineCheck& check, Reviewer* reviewer) {
  add_probes(routes, jobs);
  routes.push_back({.method = "GET",
                    .path = "/metrics",
                    .operation = "getMetrics",
                    .summary = "Figures for Prometheus",
                    .answer = "text/plain",
                    .run = [&jobs, &events, times, &kubeml](const Call&) {
                      net::Answer answer = text_answer(metrics_text(jobs, events, times(), kubeml));
                      answer.headers = {{"Content-Type", tracking::kMetricsType}};
                      return answer;
                    }});
  routes.push_back({.method = "GET",
                    .path = "/api/v1/schema",
                    .operation = "getSchema",
                    .summary = "The JSON Schema of a job file",
                    .answer = "The schema",
                    .run = [](const Call&) {
                      return net::Answer{.headers = {{"Content-Type", "application/json"}},
                                         .body = job_schema() + "\n"};
                    }});
  routes.push_back({.method = "GET",
                    .path = "/api/v1/system",
                    .operation = "getSystem",
                    .summary = "Cores, who uses them, who waits, and the disk",
                    .answer = "cores, busy_cores, running, waiting, disk_free_bytes, folder, data, "
                              "scripts, cluster: namespace, nodes with their pods",
                    .run = [&jobs](const Call&) { return json_answer(system_of(jobs)); }});
  routes.push_back({.method = "GET",
                    .path = "/api/v1/system/check",
                    .operation = "checkSystem",
                    .summary = "What 'ringtrain doctor' says of this machine; the first request "
                               "starts it, and where the last answer is older than ten minutes",
                    .answer = "running, checked, can_train, findings, error",
                    .run = [&check](const Call&) { return json_answer(check.look()); }});
  routes.push_back(
      {.method = "POST",
       .path = "/api/v1/session",
       .operation = "signIn",
       .summary = "Give a browser a cookie, for a code or a token",
       .access = Access::open,
       .body = "SignIn",
       .success = 204,
       .run = [&tokens, reviewer](const Call& call) { return sign_in(tokens, reviewer, call); }});
  routes.push_back({.method = "DELETE",
                    .path = "/api/v1/session",
                    .operation = "signOut",
                    .summary = "Take the cookie away, and end its session",
                    .success = 204,
                    .run = [&tokens](const Call& call) { return sign_out(tokens, call); }});
  routes.push_back({.method = "POST",
                    .path = "/api/v1/codes",
                    .operation = "makeCode",
                    .summary = "Make a code that signs a browser in, once, within two minutes",
                    .access = Access::admin,
                    .answer = "code",
                    .run = [&tokens](const Call&) {
                      return json_answer({{"code", tokens.new_code()}});
                    }});
}

}  // namespace ringtrain::server
