// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "datasets/format/dataset_index.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {

// Returns the index of a dataset before its rows are known, with mean and std where they are given.
// Throws a data error if the figures are impossible, a job error for given ones that do not fit.
DatasetIndex start_index(const NewDataset& dataset);

// Makes a UUID of the contents: the same rows imported again give the same dataset, so a job can
// resume with it. given_statistics: mean and std are not those of the rows, and count as contents.
std::string uuid_of(const DatasetIndex& index, bool given_statistics);

}  // namespace ringtrain::datasets
