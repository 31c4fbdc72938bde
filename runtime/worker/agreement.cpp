// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker/agreement.hpp"

#include <utility>

#include "base/error.hpp"
#include "datasets/reading/open.hpp"
#include "job/json.hpp"
#include "job/parse.hpp"
#include "runtime/train/reader_options.hpp"
#include "runtime/worker/run_on_all_ranks.hpp"

namespace ringtrain {

JobSpec agree_on_job(const World& world, const std::string& job_file,
                     const std::vector<std::string>& overrides, std::vector<std::string>* notes) {
  std::string job;
  run_on_all_ranks(world, [&] {
    if (world.rank() != 0) return;
    const JobSpec read = parse_job(job_file, overrides, notes);
    if (read.script) {
      throw job_error(job_file +
                      ": script: is run by 'ringtrain run', and this program trains models");
    }
    job = print_job(read);
  });
  return job_from_json(world.broadcast(job));
}

datasets::DatasetIndex agree_on_dataset(const World& world, const JobSpec& job) {
  std::string dataset;
  run_on_all_ranks(world, [&] {
    if (world.rank() != 0) return;
    dataset = datasets::serialise(datasets::open_dataset(job.dataset, cache_options(job)));
  });
  return datasets::deserialise(world.broadcast(dataset));
}

std::optional<ResumePoint> agree_on_resume_point(const World& world, const JobSpec& job,
                                                 const datasets::DatasetIndex& dataset,
                                                 const Reporter& reporter) {
  // Ranks that train alone have no common state.
  if (world.size() > 1 && job.communication.backend == CommunicationSpec::Backend::none) {
    return std::nullopt;
  }
  std::optional<ResumePoint> point;
  run_on_all_ranks(world, [&] {
    if (world.rank() != 0) return;
    point = find_resume_point(
        job, dataset, [&](const std::string& line) { reporter.log(line); },
        [&](const std::string& line) { reporter.warn(line); });
  });
  const std::string text = world.broadcast(print_resume_point(point));
  return world.rank() == 0 ? std::move(point) : resume_point_from(text);
}

}  // namespace ringtrain
