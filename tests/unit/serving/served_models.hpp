// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "serving/protocol/served_model.hpp"

namespace ringtrain::serving {

// A model of grey images of 2 x 2 pixels and three classes.
inline ServedModel small_model() {
  ServedModel model{.name = "small", .version = "1", .samples = {}};
  model.samples.shape = {.channels = 1, .height = 2, .width = 2};
  model.samples.mean = {0.1F};
  model.samples.std = {0.3F};
  model.samples.class_names = {"cat", "dog", "fox"};
  return model;
}

// A model of tables of three columns and two targets.
inline ServedModel table_model() {
  ServedModel model{.name = "table", .version = "7", .samples = {}, .loss = JobSpec::Loss::mse};
  model.samples.shape = {.channels = 3, .height = 1, .width = 1};
  model.samples.element = datasets::ElementType::f32;
  model.samples.mean = {0, 0, 0};
  model.samples.std = {1, 1, 1};
  model.samples.targets.names = {"price", "rent"};
  model.samples.targets.mean = {100, 10};
  model.samples.targets.std = {20, 2};
  return model;
}

}  // namespace ringtrain::serving
