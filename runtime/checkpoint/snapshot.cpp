// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/snapshot.hpp"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <map>
#include <memory>

#include "base/error.hpp"
#include "runtime/averaging/model_buffers.hpp"
#include "runtime/averaging/slab_view.hpp"

namespace ringtrain {
namespace {

at::Tensor host_slab(size_t elements, Device& device) {
  const std::shared_ptr<float[]> memory = device.allocate_host_zeros(elements);
  return at::from_blob(
      memory.get(), {static_cast<int64_t>(elements)}, [memory](void*) {},
      at::TensorOptions(at::kFloat));
}

at::Tensor part(const at::Tensor& slab, const SlabLayout& layout, size_t parameter,
                at::IntArrayRef shape) {
  const Range range = layout.parameter(parameter);
  return in_shape(slab.slice(0, static_cast<int64_t>(range.begin), static_cast<int64_t>(range.end)),
                  shape, layout);
}

std::vector<NamedTensor> named_parts(const at::Tensor& slab, const std::string& prefix,
                                     const Model& model, const SlabLayout& layout) {
  std::vector<NamedTensor> tensors;
  const auto parameters = model.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    tensors.push_back(
        {prefix + parameters[i].name, part(slab, layout, i, parameters[i].tensor.sizes())});
  }
  return tensors;
}

// A file's tensors, each of which is taken once.
class Tensors {
 public:
  explicit Tensors(std::span<const NamedTensor> tensors) {
    for (const auto& [name, tensor] : tensors) tensors_.emplace(name, tensor);
  }

  at::Tensor take(const std::string& name, const at::Tensor& like) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) throw data_error(fmt::format("it has no tensor {}", name));
    const at::Tensor tensor = found->second;
    if (tensor.sizes() != like.sizes() || tensor.scalar_type() != like.scalar_type()) {
      throw data_error(fmt::format("its tensor {} has another shape or type", name));
    }
    tensors_.erase(found);
    return tensor;
  }

  void check_empty() const {
    if (tensors_.empty()) return;
    throw data_error(fmt::format("it has a tensor {} that neither the model nor the optimizer has",
                                 tensors_.begin()->first));
  }

 private:
  std::map<std::string, at::Tensor> tensors_;
};

}  // namespace

// The optimizer's state is divided among the ranks like the shares. To gather it, it takes the
// place of the parameters, share by share, and is gathered as they are, while the gradients' slab,
// free between two steps, keeps the parameters. So any backend that gathers parameters can do it.
void take_snapshot(const Trained& trained, Snapshot& snapshot) {
  const at::NoGradGuard no_grad;
  auto& [model, space, thread, optimizer, device] = trained;
  const Slabs slabs = thread.collectives().slabs();
  const bool first = thread.collectives().rank() == 0;
  const auto& names = optimizer.state_names();
  if (first && !snapshot.parameters.defined()) {
    snapshot.parameters = host_slab(space.elements(), device);
    for (const auto& name : names) {
      snapshot.optimizer.push_back({name, host_slab(space.elements(), device)});
    }
  }
  const auto for_each_share = [&](const auto& visit) {
    for (size_t b = 0; b < space.buckets.size(); ++b) {
      const Range share = space.shares[b];
      if (share.size() > 0) {
        visit(b, share, view_of(slabs.parameters, share, device),
              view_of(slabs.gradients, share, device));
      }
    }
  };
  const auto copy_whole = [&](at::Tensor& to) {
    to.copy_(view_of(slabs.parameters, space.all(), device));
  };

  if (first) copy_whole(snapshot.parameters);
  thread.barrier();  // no rank changes parameters before rank 0 has them
  for_each_share(
      [](size_t, Range, at::Tensor parameters, at::Tensor kept) { kept.copy_(parameters); });
  for (size_t k = 0; k < names.size(); ++k) {
    for_each_share([&](size_t b, Range share, at::Tensor parameters, const at::Tensor&) {
      parameters.copy_(view_of(optimizer.state(k, b), {0, share.size()}, device));
    });
    thread.all_gather(space.buckets);
    if (first) copy_whole(snapshot.optimizer[k].values);
    thread.barrier();
  }
  for_each_share(
      [](size_t, Range, at::Tensor parameters, const at::Tensor& kept) { parameters.copy_(kept); });
  thread.all_gather(space.buckets);

  snapshot.optimizer_steps = optimizer.steps();
  if (!first) return;
  snapshot.buffers.clear();
  for (const auto& [name, buffer] : model.buffers()) {
    snapshot.buffers.push_back({name, buffer.detach().to(at::kCPU, buffer.scalar_type(),
                                                         /*non_blocking=*/false, /*copy=*/true)});
  }
}

void restore_snapshot(const Trained& trained, const Snapshot& snapshot) {
  const at::NoGradGuard no_grad;
  auto& [model, space, thread, optimizer, device] = trained;
  const Slabs slabs = thread.collectives().slabs();
  const bool first = thread.collectives().rank() == 0;
  // The broadcast of parameters also broadcasts the optimizer's state, and every rank takes its
  // share.
  const auto broadcast = [&](const at::Tensor& values) {
    thread.barrier();  // every rank has taken the values of the broadcast before
    if (first) view_of(slabs.parameters, space.all(), device).copy_(values);
    thread.broadcast();
  };
  for (size_t k = 0; k < optimizer.state_names().size(); ++k) {
    broadcast(first ? snapshot.optimizer[k].values : at::Tensor());
    for (size_t b = 0; b < space.buckets.size(); ++b) {
      const Range share = space.shares[b];
      view_of(optimizer.state(k, b), {0, share.size()}, device)
          .copy_(view_of(slabs.parameters, share, device));
    }
  }
  broadcast(snapshot.parameters);
  view_of(slabs.gradients, space.all(), device).zero_();
  if (first) {
    const auto buffers = model.buffers();
    for (size_t i = 0; i < buffers.size(); ++i) {
      at::Tensor(buffers[i].tensor).copy_(snapshot.buffers[i].tensor);
    }
  }
  broadcast_buffers(model, thread);
}

std::vector<NamedTensor> weights_of(const Snapshot& snapshot, const Model& model,
                                    const SlabLayout& layout) {
  auto tensors = named_parts(snapshot.parameters, "", model, layout);
  tensors.insert(tensors.end(), snapshot.buffers.begin(), snapshot.buffers.end());
  return tensors;
}

std::vector<NamedTensor> optimizer_tensors_of(const Snapshot& snapshot, const Model& model,
                                              const SlabLayout& layout) {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, values] : snapshot.optimizer) {
    for (auto& named : named_parts(values, name + ".", model, layout)) tensors.push_back(named);
  }
  return tensors;
}

Snapshot snapshot_from(std::span<const NamedTensor> weights, std::span<const NamedTensor> optimizer,
                       const std::vector<std::string>& state_names, const Model& model,
                       const SlabLayout& layout) {
  const at::NoGradGuard no_grad;
  Snapshot snapshot;
  Tensors of_model(weights);
  Tensors of_optimizer(optimizer);
  const auto parameters = model.parameters();
  const auto gather = [&](Tensors& from, const std::string& prefix) {
    at::Tensor slab = at::zeros({static_cast<int64_t>(layout.elements())}, at::kFloat);
    for (size_t i = 0; i < parameters.size(); ++i) {
      const auto& [name, like] = parameters[i];
      part(slab, layout, i, like.sizes()).copy_(from.take(prefix + name, like));
    }
    return slab;
  };
  snapshot.parameters = gather(of_model, "");
  for (const auto& [name, like] : model.buffers()) {
    snapshot.buffers.push_back({name, of_model.take(name, like)});
  }
  of_model.check_empty();
  for (const auto& name : state_names) {
    snapshot.optimizer.push_back({name, gather(of_optimizer, name + ".")});
  }
  of_optimizer.check_empty();
  return snapshot;
}

}  // namespace ringtrain
