// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "runtime/models/layers.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// ResNet-18, -34 or -50 (He et al. 2015; the -50 with its stride in the 3x3 convolution), with
// torchvision's parameter names and initial distributions.
std::shared_ptr<Layer> make_resnet(int depth, const ModelOptions& options,
                                   at::Generator& generator);

// Returns true for the stem that is usual for CIFAR (3x3, stride 1, no pooling), which samples of
// up to 64 pixels get if options.small_stem is empty; false for that of ImageNet (7x7, stride 2,
// 3x3 max pooling).
bool has_small_stem(const ModelOptions& options);

}  // namespace ringtrain
