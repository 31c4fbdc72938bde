// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/metrics.hpp"

#include <array>
#include <utility>

namespace ringtrain::server {
namespace {

using tracking::MetricsText;
using Type = MetricsText::Type;

struct Family {
  const char* name;
  const char* list;  // of the history
  const char* help;
};

constexpr std::array<Family, 6> kFamilies = {
    {{"kubeml_job_validation_loss", "validation_loss", "Loss of a task's newest validation."},
     {"kubeml_job_validation_accuracy", "accuracy",
      "Accuracy of a task's newest validation, in percent."},
     {"kubeml_job_accuracy", "accuracy", "The same under the name of KubeML's board."},
     {"kubeml_job_train_loss", "train_loss", "Mean loss of a task's newest epoch."},
     {"kubeml_job_parallelism", "parallelism", "Functions, which are ranks, of a task."},
     {"kubeml_job_epoch_duration_seconds", "epoch_duration",
      "Time from the beginning of a task to the end of its newest epoch."}}};

}  // namespace

void add_kubeml(MetricsText& text, const Kubeml& kubeml) {
  const auto tasks = kubeml.tasks.active();
  for (const Family& family : kFamilies) {
    text.family(family.name, Type::gauge, family.help);
    for (const ActiveTask& task : tasks) {
      const auto found = task.figures.find(family.list);
      const bool is_list = found != task.figures.end() && found->is_array() && !found->empty();
      if (!is_list || !found->back().is_number()) continue;
      text.sample({{"jobid", task.id}}, found->back().get<double>());
    }
  }
  // The first is KubeML's name of a gauge; by Prometheus' rules only a counter ends with _total.
  for (const auto& [name, type] : {std::pair("kubeml_job_running_total", Type::untyped),
                                   std::pair("kubeml_functions_running", Type::gauge)}) {
    text.family(name, type, "Tasks that have not ended, and predictions under way.");
    text.sample({{"type", "train"}}, static_cast<double>(tasks.size()));
    text.sample({{"type", "inference"}}, static_cast<double>(kubeml.predictions.running()));
  }
}

}  // namespace ringtrain::server
