// SPDX-License-Identifier: Apache-2.0
#include "server/api/job_routes.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "job/document.hpp"
#include "job/scalar.hpp"
#include "net/sha256.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

// Returns the job file in a body: YAML as it is, JSON as the YAML that it is when it is printed.
std::string job_file_of(const Call& call) {
  const std::string& body = call.request.body;
  if (body.empty()) throw Problem(400, "the body is empty: send a job file, as YAML or JSON");
  if (call.request.header("content-type").find("json") == std::string_view::npos) {
    if (!is_utf8_text(body)) throw Problem(400, "the body is not a text in UTF-8");
    return body;
  }
  return call.json_body().dump(2) + "\n";
}

Submission submission_of(const Call& call) {
  return {.job_file = job_file_of(call),
          .ranks = static_cast<int>(call.number("ranks", 0, 1, 65536)),
          .name = call.text("name"),
          .fresh_name = call.flag("fresh_name"),
          .by = call.caller.name,
          .priority = static_cast<int>(call.number("priority", 0, -kMostPriority, kMostPriority))};
}

// Returns a job's entity tag, which changes with its state and with what is
// asked of it, not with every step: what was decided on seeing the job must still hold.
std::string tag_of(const ordered_json& job) {
  const std::string seen =
      fmt::format("{} {} {} {}", job.value("created", ""), job.value("state", ""),
                  job.value("since", ""), job.value("attempts", 0));
  return fmt::format("\"{}\"", net::sha256(seen).substr(0, 16));
}

net::Answer job_answer(const ordered_json& job, int status = 200) {
  net::Answer answer = json_answer(job, status);
  answer.headers.emplace_back("ETag", tag_of(job));
  return answer;
}

// Throws a Problem 412 where the request is for a job as it no longer is.
void check_tag(Jobs& jobs, const Call& call) {
  const std::string_view wanted = call.request.header("if-match");
  if (wanted.empty() || wanted == "*") return;
  const ordered_json job = jobs.get(call.path.at("name"));
  if (wanted.find(tag_of(job)) != std::string_view::npos) return;
  throw Problem(412,
                fmt::format("If-Match: '{}' has changed since it was read, and is {} now: read it "
                            "again",
                            job.value("name", ""), job.value("state", "")),
                {{"state", job.value("state", "")}});
}

net::Answer made_answer(Jobs& jobs, const SubmittedJob& made) {
  ordered_json json = jobs.get(made.name);
  json["warnings"] = made.warnings;
  net::Answer answer = job_answer(json, made.is_new ? 201 : 200);
  answer.headers.emplace_back("Location", "/api/v1/jobs/" + made.name);
  return answer;
}

net::Answer submit(Jobs& jobs, const Call& call) {
  const Submission submission = submission_of(call);
  const std::string key(call.request.header("idempotency-key"));
  return made_answer(jobs,
                     jobs.submit(submission, key, call.request.target + "\n" + call.request.body));
}

net::Answer validate(Jobs& jobs, const Call& call) {
  const CheckedJob checked = jobs.check(submission_of(call));
  ordered_json json = {{"valid", checked.refusals.empty()},
                       {"errors", errors_of(checked.refusals)}};
  // A job that is well written, but cannot run here, has its values as well.
  if (!checked.record.understood.empty()) {
    json["name"] = checked.record.name;
    json["ranks"] = checked.record.ranks;
    json["warnings"] = checked.record.warnings;
    json["plan"] = jobs.plan(checked);
    json["job"] = ordered_json::parse(checked.record.understood);
  }
  return json_answer(json);
}

net::Answer clone(Jobs& jobs, const Call& call) {
  Submission copy = jobs.copy_of(call.path.at("name"));
  copy.ranks = static_cast<int>(call.number("ranks", copy.ranks, 1, 65536));
  if (const std::string name = call.text("name"); !name.empty()) {
    copy.name = name;
    copy.fresh_name = false;
  }
  copy.by = call.caller.name;
  const std::string key(call.request.header("idempotency-key"));
  return made_answer(jobs, jobs.submit(copy, key, call.request.target));
}

net::Answer scale(Jobs& jobs, const Call& call) {
  check_tag(jobs, call);
  const ordered_json body = call.json_body();
  const auto ranks = body.find("ranks");
  if (body.size() != 1 || ranks == body.end() || !ranks->is_number_integer() || *ranks < 0 ||
      *ranks > 65536) {
    throw Problem(422, "the body must be {\"ranks\": N}, with a whole number");
  }
  return job_answer(jobs.scale(call.path.at("name"), ranks->get<int>(), call.caller.name), 202);
}

net::Answer set_priority(Jobs& jobs, const Call& call) {
  check_tag(jobs, call);
  const ordered_json body = call.json_body();
  const auto priority = body.find("priority");
  if (body.size() != 1 || priority == body.end() || !priority->is_number_integer() ||
      *priority < -kMostPriority || *priority > kMostPriority) {
    throw Problem(422,
                  fmt::format("the body must be {{\"priority\": N}}, with a whole number, -{0} "
                              "to {0}",
                              kMostPriority));
  }
  return job_answer(jobs.set_priority(call.path.at("name"), priority->get<int>(), call.caller.name),
                    202);
}

net::Answer list(Jobs& jobs, const Call& call) {
  ListQuery query{.states = words_in(call.text("state")),
                  .words = call.text("q"),
                  .limit = static_cast<size_t>(call.number("limit", 50, 1, 500)),
                  .after = call.text("after")};
  const std::string sort = call.text("sort", "created");
  if (sort != "created" && sort != "name") {
    throw Problem(400, "sort: must be created (the newest first) or name");
  }
  query.by_name = sort == "name";
  const ListPage page = jobs.list(query);
  // Rows are JSON already: they are not parsed to be printed again.
  std::string body = "{\"jobs\":[";
  for (size_t i = 0; i < page.rows.size(); ++i) body += (i == 0 ? "" : ",") + page.rows[i].text;
  body += fmt::format("],\"total\":{},\"next\":{}}}\n", page.total,
                      page.next.empty() ? "null" : ordered_json(page.next).dump());
  return {.headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

net::Answer stream(EventStream& events, const Call& call) {
  std::string last(call.request.header("last-event-id"));
  if (last.empty()) last = call.text("after");
  const auto push = events.add({words_in(call.text("jobs")), words_in(call.text("kinds"))}, last);
  if (!push) throw Problem(503, "too many viewers listen already");
  return {.headers = {{"Content-Type", "text/event-stream"}}, .push = push};
}

const Parameter kRanks{"ranks", "integer",
                       "Ranks to start; else the job's workers.max (min with elastic), or 1"};
const Parameter kName{"name", "string", "The job's name, instead of its own"};
const Parameter kFresh{"fresh_name", "boolean",
                       "Takes the next name that is free, as NAME-2, where the name is taken"};
const Parameter kPriority{"priority", "integer",
                          "In the queue, -100 to 100; 0. Higher ones come first"};
const std::string kOne = "/api/v1/jobs/{name}";

Routes submit_routes(Jobs& jobs) {
  const auto with = [&jobs](net::Answer (*work)(Jobs&, const Call&)) {
    return [&jobs, work](const Call& call) { return work(jobs, call); };
  };
  return {
      {.method = "POST",
       .path = "/api/v1/jobs",
       .operation = "submitJob",
       .summary = "Submit a job; it is safe on disk when the answer comes. With an "
                  "Idempotency-Key the same request makes it once",
       .access = Access::submit,
       .query = {kRanks, kName, kFresh, kPriority},
       .body = "A job file, as YAML or JSON",
       .answer = "The job",
       .success = 201,
       .run = with(submit)},
      {.method = "GET",
       .path = "/api/v1/jobs",
       .operation = "listJobs",
       .summary = "List jobs, the newest first",
       .query = {{"state", "string", "States, separated by commas"},
                 {"q", "string", "Words that must all occur"},
                 {"sort", "string", "created or name"},
                 {"limit", "integer", "1 to 500; 50"},
                 {"after", "string", "\"next\" of the page before"}},
       .answer = "jobs, total, next",
       .run = with(list)},
      {.method = "POST",
       .path = "/api/v1/jobs:validate",
       .operation = "validateJob",
       .summary = "Check a job, print it with all defaults, and say how long it will take, from "
                  "earlier jobs of the same model and data; nothing is made",
       .query = {kRanks, kName},
       .body = "A job file, as YAML or JSON",
       .answer = "valid, errors, plan, job",
       .run = with(validate)}};
}

Route change(Jobs& jobs, const char* method, const std::string& path, const char* operation,
             const char* summary, Desired desired) {
  return {.method = method,
          .path = path,
          .operation = operation,
          .summary = summary,
          .access = Access::submit,
          .answer = "The job",
          .success = 202,
          .run = [&jobs, desired](const Call& call) {
            check_tag(jobs, call);
            return job_answer(jobs.ask(call.path.at("name"), desired, call.caller.name), 202);
          }};
}

}  // namespace

void add_job_routes(Routes& routes, Jobs& jobs, EventStream& events) {
  for (Route& route : submit_routes(jobs)) routes.push_back(std::move(route));
  routes.push_back(
      {.method = "GET",
       .path = kOne,
       .operation = "getJob",
       .summary = "Show a job",
       .answer = "The job",
       .run = [&jobs](const Call& call) { return job_answer(jobs.get(call.path.at("name"))); }});
  routes.push_back(change(jobs, "DELETE", kOne, "deleteJob",
                          "Stop a job and move it to the trash, for 7 days", Desired::remove));
  routes.push_back(change(jobs, "POST", kOne + "/stop", "stopJob", "Stop a job with a checkpoint",
                          Desired::stop));
  routes.push_back(change(jobs, "POST", kOne + "/resume", "resumeJob",
                          "Run a stopped or failed job again, from its newest checkpoint",
                          Desired::run));
  routes.push_back(change(jobs, "POST", kOne + "/finish", "finishJob",
                          "End a job now: it evaluates, and writes its model", Desired::finish));
  routes.push_back(
      {.method = "POST",
       .path = kOne + "/clone",
       .operation = "cloneJob",
       .summary = "Submit a job's file once more, under the next name that is free, as NAME-2",
       .access = Access::submit,
       .query = {{"ranks", "integer", "Ranks to start; else those of the job"}, kName},
       .answer = "The new job",
       .success = 201,
       .run = [&jobs](const Call& call) { return clone(jobs, call); }});
  routes.push_back({.method = "PUT",
                    .path = kOne + "/scale",
                    .operation = "scaleJob",
                    .summary =
                        "Change the number of ranks, as {\"ranks\": 4}; a job that runs writes a "
                        "checkpoint and continues on them, with the same result",
                    .access = Access::submit,
                    .body = "Scale",
                    .answer = "The job",
                    .success = 202,
                    .run = [&jobs](const Call& call) { return scale(jobs, call); }});
  routes.push_back({.method = "PUT",
                    .path = kOne + "/priority",
                    .operation = "setPriority",
                    .summary = "Change a job's place in the queue, as {\"priority\": 5}; higher "
                               "ones come first",
                    .access = Access::submit,
                    .body = "Priority",
                    .answer = "The job",
                    .success = 202,
                    .run = [&jobs](const Call& call) { return set_priority(jobs, call); }});
  routes.push_back(
      {.method = "GET",
       .path = "/api/v1/events",
       .operation = "getEvents",
       .summary = "Follow changes as server-sent events; Last-Event-ID continues after that one",
       .query = {{"jobs", "string", "Jobs, separated by commas; all"},
                 {"kinds", "string", "job, started, step, epoch, ranks, checkpoint, end; all"},
                 {"after", "string", "As Last-Event-ID"}},
       .answer = "text/event-stream",
       .run = [&events](const Call& call) { return stream(events, call); }});
}

}  // namespace ringtrain::server
