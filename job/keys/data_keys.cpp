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
