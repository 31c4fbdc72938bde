// SPDX-License-Identifier: Apache-2.0
#include "launcher/run_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "launcher/flight.hpp"
#include "launcher/mpirun.hpp"
#include "launcher/placement.hpp"
#include "launcher/progress.hpp"
#include "launcher/supervise.hpp"
#include "launcher/worker_program.hpp"
#include "runtime/job/error.hpp"
#include "runtime/job/parse.hpp"
#include "runtime/job/paths.hpp"

namespace ringtrain::launcher {
namespace {

struct RunOptions {
  std::string job_file;
  int ranks = 0;  // 0: one, or all slots of the hostfile
  std::string hostfile;
  std::vector<std::string> overrides;
  bool json = false;
  bool events = false;
  bool trace = false;
};

bool is_address(const std::string& host) {
  return host.find(':') != std::string::npos ||
         host.find_first_not_of("0123456789.") == std::string::npos;
}

// The names by which ranks can prove that they run where they should. Addresses are no proof: a
// rank knows its host by name.
std::string expected_hosts(const RankLayout& layout) {
  std::string names;
  if (layout.local) return names;
  for (const Host& host : layout.hosts) {
    if (is_address(host.name) || host.name == "localhost") return "";
    names += (names.empty() ? "" : ",") + host.name;
  }
  return names;
}

std::vector<std::string> worker_arguments(const RunOptions& options, const RankLayout& layout,
                                          const std::string& worker) {
  std::vector<std::string> arguments = {worker,
                                        std::filesystem::absolute(options.job_file).string()};
  for (const std::string& text : options.overrides) {
    arguments.insert(arguments.end(), {"--set", text});
  }
  arguments.insert(arguments.end(), {"--events", "--expect-ranks", std::to_string(layout.ranks())});
  if (const std::string hosts = expected_hosts(layout); !hosts.empty()) {
    arguments.insert(arguments.end(), {"--expect-hosts", hosts});
  }
  return arguments;
}

// What a person wants to know at the end.
void print_summary(const nlohmann::ordered_json& result, const RunOptions& options) {
  const auto number = [&](const char* key) {
    const auto found = result.find(key);
    return found != result.end() && found->is_number() ? found->get<double>() : 0.0;
  };
  std::string text = fmt::format("{}: ", result.value("name", "the job"));
  if (result.contains("test_accuracy") && result["test_accuracy"].is_number()) {
    text += fmt::format("test accuracy {:.2f}%, ", 100 * number("test_accuracy"));
  }
  const auto ranks = static_cast<int64_t>(number("ranks"));
  const double total = result.contains("seconds") && result["seconds"].is_object()
                           ? result["seconds"].value("total", 0.0)
                           : 0.0;
  text += fmt::format("train loss {:.4f}; {} steps on {} {} in {}, {} samples/s\n",
                      number("train_loss"), print_count(number("steps")), ranks,
                      ranks == 1 ? "rank" : "ranks", print_seconds(total),
                      print_count(number("samples_per_second")));
  const std::filesystem::path model(result.value("model", ""));
  const std::string script = (model.parent_path() / "model.pt").string();
  text += fmt::format("  model  {} and {}\n", model.string(), script);
  text += fmt::format("  next   python -c \"import torch; print(torch.jit.load('{}'))\"\n", script);
  text += fmt::format("         ringtrain run {} --set epochs={}   # for longer\n",
                      options.job_file, 2 * static_cast<int64_t>(std::max(1.0, number("epochs"))));
  fmt::print("{}", text);
}

int run(RunOptions options) {
  if (options.trace) options.overrides.emplace_back("trace=true");
  const JobSpec job = parse_job(options.job_file, options.overrides);
  const RankLayout layout = lay_out_ranks(options.hostfile, options.ranks);
  // Other hosts may see other disks; there rank 0 looks for itself.
  if (layout.local) check_paths(job);
  const std::string worker = find_worker();
  const Mpirun mpirun = find_mpirun();

  const TemporaryHostfile hostfile(layout.hosts);
  const MpirunCommand command =
      mpirun_command(mpirun, layout, hostfile.path(), worker_arguments(options, layout, worker));
  const auto started = std::chrono::system_clock::now().time_since_epoch();
  const Outcome outcome = supervise(command, options.json, options.events);
  if (outcome.exit_code != 0) {
    const std::string behind =
        outcome.exit_code == 4
            ? who_is_behind(job.output, std::chrono::duration<double>(started).count())
            : "";
    if (!behind.empty()) std::fputs(fmt::format("ringtrain: {}\n", behind).c_str(), stderr);
    // fmt::print would throw where the terminal was closed.
    std::fputs(fmt::format("ringtrain: {}: {}\n", job.name, outcome.cause).c_str(), stderr);
    return outcome.exit_code;
  }
  if (options.json) {
    fmt::print("{}\n", outcome.result->dump(2));
  } else {
    print_summary(*outcome.result, options);
  }
  return 0;
}

}  // namespace

void add_run_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* const command =
      app.add_subcommand("run", "Train a job's model, on this machine or on a hostfile's");
  command->add_option("job", options->job_file, "The job file")->required()->type_name("JOB.yaml");
  command
      ->add_option("-n,--ranks", options->ranks,
                   "Ranks; left out: 1, or as many as the hostfile has slots")
      ->check(CLI::Range(1, 65536))
      ->type_name("N");
  command->add_option("--hostfile", options->hostfile, "Lines of 'host slots=N'")
      ->type_name("FILE");
  command->add_option("--set", options->overrides, "Overrides a key of the job; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command->add_flag("--json", options->json, "Print result.json on stdout, all else on stderr");
  command->add_flag("--events", options->events,
                    "Print what happens on stdout, too, for programs that read the log: 0x1e and a "
                    "JSON object a line");
  command->add_flag("--trace", options->trace, "Write trace.json, as --set trace=true");
  command->footer(
      "Exit codes: 0 trained, 2 bad job or option, 3 bad data, 4 training failed,\n"
      "128 + N stopped by signal N.");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace ringtrain::launcher
