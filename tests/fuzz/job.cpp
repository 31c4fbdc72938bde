// SPDX-License-Identifier: Apache-2.0
// A job file: YAML, schema and every check. A job that is accepted must come back the same from its
// print.
#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "job/json.hpp"
#include "job/parse.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const ringtrain::JobSpec job = ringtrain::parse_job_text(text, "job.yaml");
    if (!(ringtrain::job_from_json(ringtrain::print_job(job)) == job)) std::abort();
  } catch (const ringtrain::Error&) {
  }
  return 0;
}
