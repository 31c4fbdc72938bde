// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/job_text.hpp"

#include <utility>

#include "job/document.hpp"
#include "job/json.hpp"
#include "job/parse.hpp"

namespace ringtrain::mpijob {

JobAndText read_job(const std::filesystem::path& file, std::span<const std::string> overrides) {
  std::string text = read_job_text(file);
  std::vector<std::string> notes;
  JobSpec job = parse_job_text(text, file.string(), overrides, &notes);
  // In the pods the file has another name, from which a job without a name would get its own.
  if (!overrides.empty() || parse_job_text(text, "job.yaml").name != job.name) {
    text = print_job_file(job);
  }
  return {file.string(), std::move(job), std::move(text), std::move(notes)};
}

}  // namespace ringtrain::mpijob
