// SPDX-License-Identifier: Apache-2.0
// Jobs with a script in place of `ringtrain keep`: it holds the lock that it gets as standard input
// until the test lets it end, and writes the outcome that the test wants.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "job/events.hpp"
#include "launcher/supervise/keep.hpp"
#include "server/jobs/jobs.hpp"
#include "server/problem.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {

class JobsTest : public testing::Test {
 protected:
  JobsTest() {
    folder_.write("data/d.h5", "");
    program_ = folder_.write("keeper", R"sh(#!/bin/sh
folder=$2
exec 9<&0
(while [ ! -e "$folder/end" ]; do sleep 0.005; done
 if [ -s "$folder/end" ]; then mv "$folder/end" "$folder/outcome.json"; fi) > /dev/null 2>&1 &
)sh");
    std::filesystem::permissions(program_, std::filesystem::perms::owner_all);
    open();
  }
  ~JobsTest() override {
    // When one ends, another may start that was queued.
    for (std::vector<std::string> living = living_jobs(); !living.empty(); living = living_jobs()) {
      for (const std::string& name : living) end(name, RunStatus::finished);
    }
  }

  void open() {
    jobs_.reset();
    jobs_ = std::make_unique<Jobs>(
        JobsOptions{.folder = folder_ / "server",
                    .program = program_,
                    .limits = {.data = {std::filesystem::canonical(folder_ / "data")}, .cores = 2},
                    .on_end = on_end_,
                    .cluster = cluster_},
        [this](const std::string& kind, const std::string& job, const nlohmann::ordered_json&) {
          changes_.push_back(kind + " " + job);
        });
    jobs_->tick();
  }
  std::vector<std::string> living_jobs() const {
    std::vector<std::string> living;
    for (const auto& [name, job] : jobs_->active()) {
      if (job->lives()) living.push_back(name);
    }
    return living;
  }
  SubmittedJob submit(const std::string& name, int ranks = 1, const std::string& key = "",
                      const std::string& more = "", int priority = 0) {
    const std::string text = "name: " + name + "\nmodel: lenet\ndataset: d.h5\n" + more;
    return jobs_->submit({.job_file = text, .ranks = ranks, .priority = priority}, key, text);
  }
  std::string state(const std::string& name) { return jobs_->get(name).value("state", ""); }
  std::filesystem::path attempt(const std::string& name) {
    const JobFolder folder = jobs_->folder(name);
    return folder.attempt(folder.last_attempt());
  }
  // Ends the newest attempt with this outcome; none: as if it had been killed with its keeper.
  void end(const std::string& name, std::optional<RunStatus> status) {
    const auto run = attempt(name);
    std::string text;
    if (status) text = print_outcome({.status = *status, .cause = "the cause"});
    write_file(run / "end", text);
    while (launcher::run_lives(run)) ::usleep(1000);
    jobs_->tick();
  }
  int refused(const std::function<void()>& work) {
    try {
      work();
    } catch (const Problem& problem) {
      return problem.status();
    }
    return 0;
  }

  const TemporaryDirectory folder_;
  std::optional<ClusterPlace> cluster_;
  std::function<void(const Job&)> on_end_;
  std::filesystem::path program_;
  std::vector<std::string> changes_;
  std::unique_ptr<Jobs> jobs_;
};

}  // namespace ringtrain::server
