// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/all_reduce/contestants.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "collectives/node_memory.hpp"
#include "runtime/averaging/slab_layout.hpp"
#include "runtime/comm/check_mpi.hpp"
#include "runtime/comm/collectives.hpp"

namespace ringtrain::benchmarks {
namespace {

using Backend = CommOptions::Backend;
using Algorithm = CommOptions::Algorithm;

// As the trainer cuts its slab.
constexpr size_t kCacheSizedBucket = 128 * 1024;  // floats
constexpr size_t kNetworkBucket = 1024 * 1024;    // floats: communication.bucket_mib at its default

size_t count_wrong(const float* values, Range range, const std::function<float(size_t)>& expected) {
  size_t wrong = 0;
  for (size_t i = range.begin; i < range.end; ++i) wrong += values[i] == expected(i) ? 0 : 1;
  return wrong;
}

std::shared_ptr<float[]> allocate(size_t elements) {
  return std::shared_ptr<float[]>(new float[elements]());
}

// The collectives of a training step, without the step: each rank ends with the sum in its share,
// where the ranks of its node read it.
class ByCollectives : public Contestant {
 public:
  ByCollectives(const World& world, const CommOptions& options, size_t elements)
      : collectives_(make_collectives(world, options, {.allocate_zeros = allocate}, elements)),
        slabs_(collectives_->slabs()),
        buckets_(cut_into_buckets(elements,
                                  collectives_->overlaps() ? kNetworkBucket : kCacheSizedBucket)),
        elements_(elements) {}

  void fill(const std::function<float(size_t)>& value) override {
    for (size_t i = 0; i < elements_; ++i) slabs_.gradients[i] = value(i);
  }
  void clear() override { std::fill_n(slabs_.gradients, elements_, 0.0F); }
  void all_reduce() override {
    collectives_->reduce_scatter(buckets_);
    collectives_->all_gather(buckets_);
  }
  size_t wrong(const std::function<float(size_t)>& expected) const override {
    size_t wrong = 0;
    for (const Range& bucket : buckets_) {
      wrong += count_wrong(slabs_.gradients, collectives_->share(bucket), expected);
    }
    return wrong;
  }

 protected:
  std::unique_ptr<Collectives> collectives_;
  Slabs slabs_;
  std::vector<Range> buckets_;
  size_t elements_;
};

// The same on one node, and then the promise of MPI_Allreduce: every rank has the whole sum in
// memory of its own.
class WithPrivateCopies final : public ByCollectives {
 public:
  WithPrivateCopies(const World& world, const CommOptions& options, size_t elements)
      : ByCollectives(world, options, elements), copy_(elements) {}

  void all_reduce() override {
    collectives_->barrier();
    for (const Range& bucket : buckets_) {
      if (auto* shared = collectives_->shared_slabs()) shared->reduce(bucket);
      const Range share = collectives_->share(bucket);
      std::memcpy(slabs_.parameters + share.begin, slabs_.gradients + share.begin,
                  share.size() * sizeof(float));
    }
    collectives_->all_gather(buckets_);
    std::memcpy(copy_.data(), slabs_.parameters, elements_ * sizeof(float));
  }
  size_t wrong(const std::function<float(size_t)>& expected) const override {
    return count_wrong(copy_.data(), {0, elements_}, expected);
  }

 private:
  std::vector<float> copy_;
};

class ByMpi final : public Contestant {
 public:
  ByMpi(const World& world, size_t elements, bool in_place)
      : world_(world), data_(elements), sum_(in_place ? 0 : elements) {}

  void fill(const std::function<float(size_t)>& value) override {
    for (size_t i = 0; i < data_.size(); ++i) data_[i] = value(i);
  }
  void clear() override { std::fill(data_.begin(), data_.end(), 0.0F); }
  void all_reduce() override {
    const bool in_place = sum_.empty();
    check_mpi(MPI_Allreduce(in_place ? MPI_IN_PLACE : data_.data(),
                            in_place ? data_.data() : sum_.data(), static_cast<int>(data_.size()),
                            MPI_FLOAT, MPI_SUM, world_.all().get()));
  }
  size_t wrong(const std::function<float(size_t)>& expected) const override {
    return count_wrong(sum_.empty() ? data_.data() : sum_.data(), {0, data_.size()}, expected);
  }

 private:
  const World& world_;
  std::vector<float> data_;
  std::vector<float> sum_;  // empty: in place
};

collectives::Node node_of(const MpiGroup& ranks) {
  return {.rank = ranks.rank(), .size = ranks.size(), .all_gather = [&](const std::string& mine) {
            return ranks.all_gather(mine);
          }};
}

// Halves of the ranks' arrays are copied into the other halves, in pieces and as often as need be,
// so that caches hold as much of it as of a sum's arrays. One memcpy of all would write past the
// caches from some size on, and not be a limit.
class MemcpyBound final : public Contestant {
 public:
  MemcpyBound(const World& world, size_t elements)
      : half_(elements / 2 * sizeof(float)),
        bytes_(elements * (world.size() + 1) / (2 * world.size()) * sizeof(float)),
        memory_(node_of(world.node()), 2 * half_),
        from_(memory_.part((world.node().rank() + 1) % world.node().size())),
        to_(memory_.part(world.node().rank()) + half_) {}

  void fill(const std::function<float(size_t)>& /*value*/) override {}
  void clear() override { std::memset(to_ - half_, 0, 2 * half_); }
  void all_reduce() override {
    for (size_t done = 0, at = 0; done < bytes_ && half_ > 0; at = at < half_ ? at : 0) {
      const size_t piece = std::min({kPiece, bytes_ - done, half_ - at});
      std::memcpy(to_ + at, from_ + at, piece);
      done += piece;
      at += piece;
    }
  }
  size_t wrong(const std::function<float(size_t)>& /*expected*/) const override { return 0; }

 private:
  static constexpr size_t kPiece = 64 * 1024;

  size_t half_;
  size_t bytes_;  // copied by this rank: read once and written once each
  collectives::NodeMemory memory_;
  const std::byte* from_;
  std::byte* to_;
};

Entry by_collectives(const std::string& name, Backend backend, Algorithm algorithm) {
  return {name, [=](const World& world, size_t elements) {
            return std::make_unique<ByCollectives>(
                world, CommOptions{.backend = backend, .algorithm = algorithm}, elements);
          }};
}

Entry by_mpi(const std::string& name, bool in_place) {
  return {name, [=](const World& world, size_t elements) {
            return std::make_unique<ByMpi>(world, elements, in_place);
          }};
}

}  // namespace

std::vector<Entry> contestants(const World& world) {
  std::vector<Entry> entries = {
      by_collectives("ringtrain", Backend::automatic, Algorithm::automatic)};
  if (world.node().size() == world.size()) {
    entries.push_back({"ringtrain, private copies", [](const World& w, size_t elements) {
                         return std::make_unique<WithPrivateCopies>(w, CommOptions{}, elements);
                       }});
  }
  entries.push_back(by_collectives("ringtrain, MPI direct", Backend::mpi, Algorithm::direct));
  entries.push_back(by_collectives("ringtrain, MPI ring", Backend::mpi, Algorithm::ring));
  entries.push_back(by_mpi("MPI_Allreduce", false));
  entries.push_back(by_mpi("MPI_Allreduce, in place", true));
  return entries;
}

std::unique_ptr<Contestant> make_memcpy_bound(const World& world, size_t elements) {
  return std::make_unique<MemcpyBound>(world, elements);
}

}  // namespace ringtrain::benchmarks
