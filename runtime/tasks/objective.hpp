// SPDX-License-Identifier: Apache-2.0
// What a model is trained for: the loss between its outputs and the answers of a dataset, labels or
// targets, and how far off it is in terms that people use.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"

namespace ringtrain {

// Sums over samples, which add up over batches and ranks.
struct ErrorSums {
  double samples = 0;
  double loss = 0;
  double answers = 0;  // that are right or wrong: a label, or 0-1 targets
  double right = 0;
  std::vector<double> squared;   // [targets], in their own units; empty where answers are counted
  std::vector<double> absolute;  // [targets]

  // Per target: the root of the mean squared error, and the mean absolute error.
  std::vector<double> rmse() const;
  std::vector<double> mae() const;
};

// Thread: any thread may use it.
class Objective {
 public:
  // Takes class names or targets of the dataset. automatic: cross entropy for labels, mean squared
  // error for targets. device: of the answers. Requires: loss and dataset agree (job/task.hpp).
  Objective(JobSpec::Loss loss, const datasets::DatasetIndex& dataset,
            at::Device device = at::kCPU);

  JobSpec::Loss kind() const { return kind_; }
  // True if answers are right or wrong, false if targets are missed by so much.
  bool counts_answers() const { return !normalises(); }

  // Returns labels or targets (load_answers()) as the loss takes them: targets as (y - mean) / std
  // of each, except for bce_with_logits; labels as they are.
  at::Tensor answers(const at::Tensor& loaded) const;

  // Returns the loss summed over rows; that of a row is the mean over its targets.
  at::Tensor loss(const at::Tensor& outputs, const at::Tensor& answers,
                  double label_smoothing = 0) const;
  // Returns the loss of each row, [rows].
  at::Tensor losses(const at::Tensor& outputs, const at::Tensor& answers) const;

  // Returns sums without samples.
  ErrorSums no_errors() const;

  // Adds a batch, with the loss. Right is the likeliest class, or the side of 0.5 on which a 0-1
  // target lies.
  void add(const at::Tensor& outputs, const at::Tensor& answers, ErrorSums& sums) const;

  // Returns a model's outputs [rows, targets] as values of the targets, in their own units, or as
  // probabilities; on the CPU. Requires: the dataset has targets.
  at::Tensor values(const at::Tensor& outputs) const;

 private:
  bool normalises() const;
  // Returns the loss of each answer, or their sum: `reduction` is of at::Reduction.
  at::Tensor reduced(const at::Tensor& outputs, const at::Tensor& answers, int64_t reduction,
                     double label_smoothing) const;

  JobSpec::Loss kind_;
  int64_t targets_;  // 0: labels
  at::Tensor mean_;  // [targets]
  at::Tensor std_;
};

}  // namespace ringtrain
