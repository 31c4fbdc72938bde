// SPDX-License-Identifier: Apache-2.0
// What a snapshot takes and gives back of the slabs, on any number of ranks, bit by bit. (Buffers
// are resume_test.py's: no small model has any.)
#include "runtime/checkpoint/snapshot.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/mix.hpp"
#include "runtime/averaging/slab_view.hpp"
#include "tests/integration/rank_parts.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain {
namespace {

using Backend = CommOptions::Backend;

// Values whose bits are easily lost: zeros of both signs, denormals, infinities.
float value_at(size_t element, uint64_t key) {
  const uint64_t hash = mix(key, element);
  switch (hash % 16) {
    case 0:
      return -0.0F;
    case 1:
      return 0.0F;
    case 2:
      return std::numeric_limits<float>::denorm_min();
    case 3:
      return -std::numeric_limits<float>::infinity();
    default:
      return static_cast<float>(static_cast<double>(hash) / 1e19 - 0.9);
  }
}

uint32_t bits(float value) { return std::bit_cast<uint32_t>(value); }

struct Rank : RankParts {
  Rank(const CommOptions& communication, OptimizerSpec::Type type, bool channels_last = false)
      : RankParts(make_device(JobSpec::Device::cpu, 0), model_options(), make_model, communication,
                  20'000, /*adds_slabs=*/false, channels_last),
        optimizer({.type = type}, 0, space, {}, thread, *device) {}

  static ModelOptions model_options() {
    return {.name = "lenet5",
            .hidden = {},
            .channels = 1,
            .height = 28,
            .width = 28,
            .classes = 3,
            .seed = 1};
  }
  Trained trained() { return {*model, space, thread, optimizer, *device}; }

  // Parameters are value_at(element, key), the k-th state of the optimizer value_at(element, key +
  // 1 + k).
  void fill(uint64_t key) {
    for (size_t b = 0; b < space.buckets.size(); ++b) {
      const Range share = space.shares[b];
      for (size_t i = share.begin; i < share.end; ++i) {
        collectives->slabs().parameters[i] = value_at(i, key);
        for (size_t k = 0; k < optimizer.state_names().size(); ++k) {
          optimizer.state(k, b)[i - share.begin] = value_at(i, key + 1 + k);
        }
      }
    }
    thread.all_gather(space.buckets);
  }

  // The number of elements whose bits are not those that fill(key) gave them.
  size_t differences(uint64_t key) {
    size_t different = 0;
    for (size_t i = 0; i < space.elements(); ++i) {
      different += bits(collectives->slabs().parameters[i]) != bits(value_at(i, key)) ? 1 : 0;
    }
    for (size_t b = 0; b < space.buckets.size(); ++b) {
      const Range share = space.shares[b];
      for (size_t k = 0; k < optimizer.state_names().size(); ++k) {
        for (size_t i = share.begin; i < share.end; ++i) {
          const float found = optimizer.state(k, b)[i - share.begin];
          different += bits(found) != bits(value_at(i, key + 1 + k)) ? 1 : 0;
        }
      }
    }
    thread.barrier();  // every rank has looked before one changes values
    return different;
  }

  Optimizer optimizer;
};

size_t differences(const torch::Tensor& slab, uint64_t key) {
  size_t different = 0;
  for (int64_t i = 0; i < slab.numel(); ++i) {
    const float found = slab.const_data_ptr<float>()[i];
    different += bits(found) != bits(value_at(static_cast<size_t>(i), key)) ? 1 : 0;
  }
  return different;
}

class ASnapshot : public testing::TestWithParam<std::tuple<CommOptions, OptimizerSpec::Type>> {
 protected:
  Rank rank_{std::get<0>(GetParam()), std::get<1>(GetParam())};
};

TEST_P(ASnapshot, HasEverythingAndChangesNothing) {
  rank_.fill(10);
  rank_.optimizer.set_steps(7);
  Snapshot snapshot;
  for (int again = 0; again < 2; ++again) take_snapshot(rank_.trained(), snapshot);
  EXPECT_EQ(rank_.differences(10), 0);
  EXPECT_EQ(snapshot.optimizer_steps, 7);
  if (rank_.collectives->rank() != 0) {
    EXPECT_FALSE(snapshot.parameters.defined());
    return;
  }
  EXPECT_EQ(differences(snapshot.parameters, 10), 0);
  ASSERT_EQ(snapshot.optimizer.size(), rank_.optimizer.state_names().size());
  for (size_t k = 0; k < snapshot.optimizer.size(); ++k) {
    EXPECT_EQ(differences(snapshot.optimizer[k].values, 11 + k), 0);
  }
}

TEST_P(ASnapshot, GivesEveryRankBackWhatItTook) {
  rank_.fill(10);
  Snapshot snapshot;
  take_snapshot(rank_.trained(), snapshot);
  rank_.fill(20);
  EXPECT_EQ(rank_.differences(20), 0);
  restore_snapshot(rank_.trained(), snapshot);
  EXPECT_EQ(rank_.differences(10), 0);
  for (size_t i = 0; i < rank_.space.layout.elements(); ++i) {
    ASSERT_EQ(rank_.collectives->slabs().gradients[i], 0) << "the next step starts with zeros";
  }
}

TEST_P(ASnapshot, ComesBackFromItsNamedTensors) {
  rank_.fill(10);
  Snapshot snapshot;
  take_snapshot(rank_.trained(), snapshot);
  if (rank_.collectives->rank() == 0) {
    const auto weights = weights_of(snapshot, *rank_.model, rank_.space.layout);
    const auto optimizer = optimizer_tensors_of(snapshot, *rank_.model, rank_.space.layout);
    const auto names = rank_.optimizer.state_names();
    snapshot = snapshot_from(weights, optimizer, names, *rank_.model, rank_.space.layout);
    EXPECT_THAT([&] { snapshot_from(optimizer, weights, names, *rank_.model, rank_.space.layout); },
                ThrowsError(ErrorKind::data));
    auto one_missing = weights;
    one_missing.pop_back();
    EXPECT_THAT(
        [&] { snapshot_from(one_missing, optimizer, names, *rank_.model, rank_.space.layout); },
        ThrowsError(ErrorKind::data));
  }
  rank_.fill(20);
  restore_snapshot(rank_.trained(), snapshot);
  size_t different = 0;  // parameters alone: between them the slab has gaps, which are zeros now
  for (size_t p = 0; p < rank_.model->parameters().size(); ++p) {
    const Range range = rank_.space.layout.parameter(p);
    for (size_t i = range.begin; i < range.end; ++i) {
      different += bits(rank_.collectives->slabs().parameters[i]) != bits(value_at(i, 10)) ? 1 : 0;
    }
  }
  EXPECT_EQ(different, 0);
}

// Files do not depend on the layout in memory.
TEST(ASnapshotOfChannelsLast, HasTensorsOfTheUsualShape) {
  Rank rank({}, OptimizerSpec::Type::sgd, /*channels_last=*/true);
  Snapshot snapshot;
  take_snapshot(rank.trained(), snapshot);
  if (rank.collectives->rank() == 0) {
    const auto parameters = rank.model->parameters();
    for (int again = 0; again < 2; ++again) {
      const auto weights = weights_of(snapshot, *rank.model, rank.space.layout);
      for (size_t i = 0; i < parameters.size(); ++i) {
        EXPECT_TRUE(torch::equal(weights[i].tensor, parameters[i].tensor)) << parameters[i].name;
      }
      const auto states = optimizer_tensors_of(snapshot, *rank.model, rank.space.layout);
      snapshot = snapshot_from(weights, states, rank.optimizer.state_names(), *rank.model,
                               rank.space.layout);
    }
  }
  rank.thread.barrier();
}

INSTANTIATE_TEST_SUITE_P(
    EveryBackend, ASnapshot,
    testing::Combine(testing::Values(CommOptions{}, CommOptions{.backend = Backend::mpi},
                                     CommOptions{.backend = Backend::mpi, .shard_optimizer = true}),
                     testing::Values(OptimizerSpec::Type::sgd, OptimizerSpec::Type::adamw)));

}  // namespace
}  // namespace ringtrain
