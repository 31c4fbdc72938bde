// SPDX-License-Identifier: Apache-2.0
// The networks of ringtrain's zoo as Keras has them.
#pragma once

#include <string>

#include "model_files/keras/h5_file.hpp"

namespace ringtrain::model_files::keras {

// Returns the architecture of the model that a job left, with a softmax at the end for classes, and
// names of weights, without numbers. description: the key "ringtrain" of the metadata of its
// model.safetensors. Throws a data error that names the source and the model, where Keras has no
// Sequential model for it.
H5File zoo_file(const std::string& description, const std::string& source);

}  // namespace ringtrain::model_files::keras
