// SPDX-License-Identifier: Apache-2.0
#include "job/keys/data_keys.hpp"

namespace ringtrain {

KeyGroup<AugmentSpec> augment_keys() {
  using T = AugmentSpec;
  KeyGroup<T> group;
  group.key("crop_padding", &T::crop_padding,
            "Pixels of zero padding on each side before a random crop to the sample's size.",
            {.min = 0, .max = 64});
  group.key("horizontal_flip", &T::horizontal_flip, "Mirrors half of the images.");
  group.key("crop_scale", &T::crop_scale,
            "A random crop that is resized to the sample's size (bilinear): the smallest share of "
            "the image's area that it has, the largest is 1. 1: no such crop.",
            {.above = 0, .max = 1});
  group.key("crop_aspect", &T::crop_aspect,
            "The most that width over height of such a crop, or height over width, is drawn as.",
            {.min = 1, .max = 16, .idle = {"augment.crop_scale", {1}}});
  group.key("brightness", &T::brightness,
            "Multiplies an image's bytes by a factor between 1 - brightness and 1 + brightness.",
            {.min = 0, .max = 1});
  group.key("contrast", &T::contrast,
            "Multiplies an image's distance from middle grey by such a factor.",
            {.min = 0, .max = 1});
  group.key("saturation", &T::saturation,
            "Multiplies the distance of each pixel of 3 channels from its grey by such a factor.",
            {.min = 0, .max = 1});
  group.key("hue", &T::hue,
            "Turns the colours of 3 channels by up to this part of the circle, either way.",
            {.min = 0, .max = 0.5});
  group.example("horizontal_flip: true");
  return group;
}

KeyGroup<DatasetCacheSpec> dataset_cache_keys() {
  using T = DatasetCacheSpec;
  KeyGroup<T> group;
  group.key("gib", &T::gib,
            "GiB of blocks that each host keeps; beyond them the block that was not used for the "
            "longest time goes.",
            {.above = 0, .max = 1048576});
  group.key("folder", &T::folder,
            "A folder on a local disk with this much space. Left out: TMPDIR, or /tmp. Nothing in "
            "it has a name, and nothing stays there.",
            {.min_length = 1, .max_length = 4096});
  group.example("gib: 50, folder: /scratch");
  return group;
}

}  // namespace ringtrain
