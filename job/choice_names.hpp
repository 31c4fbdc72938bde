// SPDX-License-Identifier: Apache-2.0
// Names in the job file of values that other files and the log spell as well.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "job/job_spec.hpp"

namespace ringtrain {

template <class E>
using ChoiceNames = std::vector<std::pair<E, std::string>>;

const ChoiceNames<JobSpec::Loss>& loss_names();
const ChoiceNames<JobSpec::Precision>& precision_names();

std::string name_of(JobSpec::Loss loss);
std::string name_of(JobSpec::Precision precision);

}  // namespace ringtrain
