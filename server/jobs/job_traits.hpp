// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "server/jobs/job_folder.hpp"

namespace ringtrain::server {

// Keys of a job that the server itself needs.
struct JobTraits {
  int64_t batch_size = 0;  // 0: not known
  int64_t seed = 0;
  int least_ranks = 1;
  int most_ranks = 0;  // 0: no limit is given
  bool is_elastic = false;
  bool is_of_kueue = false;  // in a cluster: Kueue admits it
  bool is_partial = false;   // its epochs are of fewer samples, or the last one is cut short
};

// Reads them from the record's job; those that it lacks stay as above.
JobTraits traits_of(const JobRecord& record);

}  // namespace ringtrain::server
