// SPDX-License-Identifier: Apache-2.0
// Names of before, until the rest of runtime/ says DatasetIndex and ElementType.
#pragma once

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

using Plan = DatasetIndex;
using Element = ElementType;

}  // namespace ringtrain::datasets
