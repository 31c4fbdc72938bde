// SPDX-License-Identifier: Apache-2.0
#include "server/client/change.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <random>
#include <thread>

#include "base/deadline.hpp"
#include "base/text.hpp"
#include "job/document.hpp"
#include "job/json.hpp"
#include "job/parse.hpp"
#include "server/client/job_text.hpp"
#include "server/client/watch.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kPause(200);

// A key that no other request has.
std::string random_key() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

void print(const RemoteChange& change, const ordered_json& job, const std::string& line) {
  fmt::print("{}\n", change.as_json ? job.dump(2) : line);
}

// Waits until a job is as it shall be. Returns what it is then, null where it is gone.
ordered_json wait_until(RemoteServer& server, const RemoteChange& change,
                        const std::function<bool(const ordered_json&)>& is_so) {
  const Deadline deadline(change.limit);
  for (;;) {
    ordered_json job;
    try {
      job = server.ask_patiently({.path = job_path(change.name)});
    } catch (const RefusedByServer& refusal) {
      if (refusal.status() != 404) throw;
    }
    if (is_so(job)) return job;
    if (deadline.passed()) {
      throw training_error(
          fmt::format("{0} is still {1} after {2} s; 'ringtrain status {0}' shows it", change.name,
                      job.value("state", ""), change.limit.count()));
    }
    std::this_thread::sleep_for(kPause);
  }
}

// Returns the text to send: the file as it is, or the job that it is with the overrides.
std::string text_of(const RemoteSubmission& submission) {
  if (submission.overrides.empty()) return read_job_text(submission.job_file);
  std::vector<std::string> notes;
  const JobSpec job = parse_job(submission.job_file, submission.overrides, &notes);
  for (const std::string& note : notes) say("warning: " + note);
  return print_job_file(job);
}

}  // namespace

int submit_to_server(RemoteServer& server, const RemoteSubmission& submission) {
  std::string path = fmt::format("/api/v1/jobs?priority={}", submission.priority);
  if (submission.ranks > 0) path += fmt::format("&ranks={}", submission.ranks);
  // Whether there is a server that takes the token shall be known at once.
  server.ask({.path = "/api/v1/jobs?limit=1"});
  const ordered_json made = server.ask_patiently({.method = "POST",
                                                  .path = path,
                                                  .body = text_of(submission),
                                                  .headers = {"Idempotency-Key: " + random_key()},
                                                  .body_name = submission.job_file});
  const std::string name = made.value("name", "");
  for (const ordered_json& warning : made.value("warnings", ordered_json::array())) {
    say("warning: " + warning.get<std::string>());
  }
  if (!submission.as_json) {
    fmt::print("{0} is submitted to {1}; 'ringtrain status {0}' shows its state\n", name,
               server.url());
    std::fflush(stdout);
  }
  if (!submission.wait) {
    if (submission.as_json) fmt::print("{}\n", made.dump(2));
    return 0;
  }
  const auto job = watch_until_end(server, name, submission.as_json, submission.limit);
  if (!job) {
    say(fmt::format("{}: not finished after {} s; the job continues", name,
                    submission.limit.value_or(std::chrono::seconds(0)).count()));
    return kExitFailed;
  }
  if (submission.as_json) fmt::print("{}\n", job->dump(2));
  return exit_code_of_job(*job);
}

void stop_on_server(RemoteServer& server, const RemoteChange& change) {
  ordered_json job = server.ask({.method = "POST", .path = job_path(change.name, "/stop")});
  if (change.limit.count() == 0) {
    return print(change, job,
                 fmt::format("{0} suspends; 'ringtrain resume {0}' resumes from its newest "
                             "checkpoint",
                             change.name));
  }
  job = wait_until(server, change,
                   [](const ordered_json& now) { return now.is_null() || has_ended(now); });
  if (job.is_null()) throw training_error(fmt::format("{} was deleted", change.name));
  print(change, job,
        fmt::format("{0} stopped at step {1} of {2}; 'ringtrain resume {0}' resumes from its "
                    "newest checkpoint, 'ringtrain delete {0}' removes it",
                    change.name, print_count(job.value("step", int64_t{0})),
                    print_count(job.value("steps", int64_t{0}))));
}

void resume_on_server(RemoteServer& server, const RemoteChange& change) {
  const ordered_json job = server.ask({.method = "POST", .path = job_path(change.name, "/resume")});
  print(change, job,
        fmt::format("{0} resumes; 'ringtrain status --watch {0}' shows it", change.name));
}

void scale_on_server(RemoteServer& server, const RemoteChange& change, int ranks) {
  const ordered_json job = server.ask({.method = "PUT",
                                       .path = job_path(change.name, "/scale"),
                                       .body = ordered_json{{"ranks", ranks}}.dump(),
                                       .type = "application/json"});
  print(change, job,
        fmt::format("{}: {}; 'ringtrain status {}' shows them come and go", change.name,
                    counted(ranks, "rank"), change.name));
}

void finish_on_server(RemoteServer& server, const RemoteChange& change) {
  const ordered_json job = server.ask({.method = "POST", .path = job_path(change.name, "/finish")});
  print(change, job,
        fmt::format("{0} ends after the step that it is in, evaluates and writes its model; "
                    "'ringtrain status --watch {0}' shows it",
                    change.name));
}

void clone_on_server(RemoteServer& server, const RemoteChange& change) {
  const ordered_json job = server.ask({.method = "POST",
                                       .path = job_path(change.name, "/clone"),
                                       .headers = {"Idempotency-Key: " + random_key()}});
  print(change, job,
        fmt::format("{0} is submitted, as {1} was; 'ringtrain status {0}' shows its state",
                    job.value("name", ""), change.name));
}

void delete_on_server(RemoteServer& server, const RemoteChange& change) {
  server.ask({.method = "DELETE", .path = job_path(change.name)});
  if (change.limit.count() > 0) {
    wait_until(server, change, [](const ordered_json& now) { return now.is_null(); });
  }
  print(change, {{"name", change.name}, {"state", "Deleted"}},
        fmt::format("{} is deleted; the server keeps it in its trash for 7 days", change.name));
}

}  // namespace ringtrain::server
