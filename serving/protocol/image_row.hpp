// SPDX-License-Identifier: Apache-2.0
// Images as rows of a model, before normalisation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "datasets/format/dataset_index.hpp"
#include "datasets/importers/resize.hpp"

namespace ringtrain::serving {

// Returns true where the model's samples are pixels of 1 or 3 channels.
bool takes_images(const datasets::DatasetIndex& model);

// Decodes a PNG or JPEG and fits it to the model's size as `ringtrain dataset import images` does.
// Returns [channels, height, width]. Throws a data error with the reason (no file name).
// Requires: takes_images(model).
std::string image_row(std::string_view bytes, const datasets::DatasetIndex& model,
                      datasets::Fit fit);

// The same for a drawing, bright on black, which is centred as MNIST's digits are (drawing.hpp);
// dark on white where the model's samples are bright on average.
std::string drawn_row(std::string_view bytes, const datasets::DatasetIndex& model);

}  // namespace ringtrain::serving
