// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/all_commands.hpp"

#include "launcher/commands/completion.hpp"
#include "launcher/commands/dataset/dataset_command.hpp"
#include "launcher/commands/doctor.hpp"
#include "launcher/commands/examples.hpp"
#include "launcher/commands/finish_command.hpp"
#include "launcher/commands/job_commands.hpp"
#include "launcher/commands/jobs/change_commands.hpp"
#include "launcher/commands/jobs/follow_command.hpp"
#include "launcher/commands/jobs/kubeml_command.hpp"
#include "launcher/commands/jobs/render_command.hpp"
#include "launcher/commands/jobs/server_data_commands.hpp"
#include "launcher/commands/jobs/submit_command.hpp"
#include "launcher/commands/jobs/watch_commands.hpp"
#include "launcher/commands/model_command.hpp"
#include "launcher/commands/program_commands.hpp"
#include "launcher/commands/run_command.hpp"
#include "launcher/commands/server_commands.hpp"
#include "launcher/commands/storage_commands.hpp"
#include "launcher/commands/tracking.hpp"
#include "launcher/mpi/remote_shell.hpp"
#include "launcher/process/confine.hpp"
#include "launcher/script/rank_command.hpp"

namespace ringtrain::launcher {
namespace {

void group_cluster_commands(CLI::App& app) {
  for (const char* name : {"submit", "render", "jobs", "status", "logs", "stop", "suspend",
                           "resume", "scale", "delete", "clone"}) {
    app.get_subcommand(name)->group("On Kubernetes or a server");
  }
}

}  // namespace

std::optional<int> run_by_name(const std::string& name, const std::vector<std::string>& words,
                               const std::string& version) {
  if (name != "kubeml") return std::nullopt;
  return run_kubeml(words, version);
}

std::optional<int> run_for_programs(const std::vector<std::string>& words) {
  if (words.empty()) return std::nullopt;
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (words[0] == "remote-shell") return remote_shell(rest);
  if (words[0] == "guard" && rest.size() == 2) return guard(rest[0], rest[1]);
  if (words[0] == "keep" && rest.size() >= 2) return run_keep(rest);
  if (words[0] == "confine") run_confined(rest);
  if (words[0] == "follow") return follow_command(rest);
  if (words[0] == "rank") return rank_command(rest);
  if (words[0] == "fetch" && rest.size() == 2) return run_fetch(rest);
  if (words[0] == "mirror" && rest.size() == 2) return run_mirror(rest);
  return std::nullopt;
}

void add_all_commands(CLI::App& app, std::vector<std::string>& words, int& exit_code) {
  add_run_command(app, words, exit_code);
  add_keep_command(app);
  add_finish_command(app);
  add_job_commands(app);
  add_server_command(app);
  add_track_command(app, exit_code);
  add_submit_command(app, exit_code);
  add_watch_commands(app, exit_code);
  add_change_commands(app);
  add_render_command(app);
  add_dataset_command(app);
  add_server_datasets(*app.get_subcommand("dataset"));
  add_model_command(app);
  add_server_models(*app.get_subcommand("model"));
  add_doctor_command(app, true, exit_code);
  add_program_commands(app);
  add_completion_command(app);
  group_cluster_commands(app);
  add_examples(app);
}

}  // namespace ringtrain::launcher
