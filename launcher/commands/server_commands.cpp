// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/server_commands.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "launcher/supervise/keep.hpp"
#include "server/backup.hpp"
#include "server/client/remote_server.hpp"
#include "server/serve.hpp"

namespace ringtrain::launcher {
namespace {

using Options = server::ServerOptions;

void add_serve_options(CLI::App& command, Options& options) {
  command
      .add_option("folder", options.folder,
                  "Folder of the server and its jobs (default: ~/.local/share/ringtrain)")
      ->type_name("DIR");
  command.add_option("--port", options.port, "Port (default: 8080); 0: any free one")
      ->type_name("N");
  command
      .add_option("--data,--data-root", options.data,
                  "Folder that jobs may read; may be repeated (default: the current one). Relative "
                  "paths in jobs count from the first")
      ->allow_extra_args(false)
      ->type_name("DIR");
  command
      .add_option("--allow-source", options.sources,
                  "Place in a private network that datasets may be imported from, by http too; may "
                  "be repeated")
      ->allow_extra_args(false)
      ->type_name("HOST:PORT");
  command
      .add_option("--bucket", options.buckets,
                  "Object storage that jobs and imports may read and write, with the keys of the "
                  "server's environment; may be repeated. Uploads past the server go to the first")
      ->allow_extra_args(false)
      ->type_name("s3://BUCKET[/FOLDER]");
  command
      .add_option("--cores", options.cores,
                  "Cores for jobs, one for each rank (default: all that this process may use)")
      ->check(CLI::Range(1, 65536))
      ->type_name("N");
  command
      .add_option("--host", options.hosts,
                  "Another name by which browsers may call the server, as behind a proxy; may be "
                  "repeated")
      ->allow_extra_args(false)
      ->type_name("NAME");
  command.add_flag("--tensorboard", options.tensorboard,
                   "Let every run write event files for TensorBoard to its output");
  command
      .add_option("--webhook", options.webhook,
                  "POST every job's end to this address, signed with the secret")
      ->type_name("URL");
  command
      .add_option("--webhook-secret-file", options.webhook_secret_file,
                  "File with the secret that signs it, 16 bytes or more")
      ->type_name("FILE");
  command.add_flag("--webhook-to-private", options.webhook_to_private,
                   "Let it lead to this machine or a private network");
  command.add_flag("--allow-torchscript", options.torchscript,
                   "Let jobs use TorchScript files, which are programs");
  command
      .add_option("--function-timeout", options.function_timeout,
                  "Time after which functions of KubeML that do nothing are ended (default: 1000)")
      ->check(CLI::Range(1, 8640000))
      ->type_name("SECONDS");
  command.add_flag("--allow-scripts", options.scripts,
                   "Let jobs run scripts and other programs: whoever may submit a job then has all "
                   "rights of this user");
}

void add_cluster_place(CLI::App& command, Options& options) {
  const auto access = std::make_shared<mpijob::AccessOptions>();
  const auto is_wanted = std::make_shared<bool>(false);
  command.add_flag("--kubernetes", *is_wanted,
                   "Run jobs as MPIJobs of a Kubernetes cluster instead of on this machine; users "
                   "of the cluster come with its tokens, and have here the rights that they have "
                   "there");
  command
      .add_option("--kubeconfig", access->kubeconfig,
                  "Kubeconfig (default: $KUBECONFIG, ~/.kube/config, or the pod's service account)")
      ->type_name("FILE");
  command.add_option("--context", access->context, "Context of the kubeconfig")->type_name("NAME");
  command.add_option("--namespace", access->name_space, "Namespace of the jobs")->type_name("NAME");
  command
      .add_option("--cluster-jobs", options.cluster_jobs,
                  "Most jobs in the cluster at a time (default: 100); each needs a process here")
      ->check(CLI::Range(1, 10000))
      ->type_name("N");
  command
      .add_option("--job-defaults", options.job_defaults,
                  "Keys of the job file that POST /jobs cannot say: output, dataset and the group "
                  "kubernetes, as YAML")
      ->type_name("FILE");
  command.parse_complete_callback([&options, access, is_wanted] {
    if (!options.job_defaults.empty() && !*is_wanted) {
      throw job_error("--job-defaults: is for jobs in a cluster: give --kubernetes, too");
    }
    const bool names_one =
        !access->kubeconfig.empty() || !access->context.empty() || !access->name_space.empty();
    if (names_one && !*is_wanted) {
      throw job_error(
          "--kubeconfig, --context and --namespace: are of a cluster: give --kubernetes, too");
    }
    if (*is_wanted) options.cluster = *access;
  });
}

void add_network_options(CLI::App& command, Options& options) {
  command
      .add_option("--listen", options.address,
                  "Address to listen on (default: 127.0.0.1). One that other machines reach needs "
                  "TLS, here or by a proxy")
      ->type_name("ADDRESS");
  command.add_option("--tls-cert", options.certificate, "Certificate chain for TLS, PEM")
      ->type_name("FILE");
  command.add_option("--tls-key", options.key, "Key of the certificate, PEM")->type_name("FILE");
  command
      .add_option("--behind-proxy", options.proxies,
                  "Address of a proxy that adds TLS, whose X-Forwarded-For, -Host and -Proto are "
                  "believed; may be repeated")
      ->allow_extra_args(false)
      ->type_name("ADDRESS");
  command
      .add_option("--connections", options.connections,
                  "Most connections that an address may have open (default: 64)")
      ->check(CLI::Range(1, 65536))
      ->type_name("N");
  command
      .add_option("--streams", options.streams,
                  "Most viewers that may follow events at a time (default: 256)")
      ->check(CLI::Range(1, 65536))
      ->type_name("N");
}

void back_up(const std::filesystem::path& folder, const std::string& to) {
  const server::BackupSummary copy = server::back_up(folder, to);
  fmt::print("{} has {}, {}; {} with checkpoints or large files left out\n", to,
             counted(copy.jobs, "job"), print_size(copy.bytes),
             counted(copy.left_out, "folder or file", "folders and files"));
  if (copy.stopped > 0) {
    fmt::print("{} not ended yet: stopped in the copy, where 'ringtrain resume' starts them\n",
               counted(copy.stopped, "job has", "jobs have"));
  }
}

[[noreturn]] void refuse() {
  throw job_error("keep: the run is missing, as in: ringtrain keep DIR -- run job.yaml -n 4");
}

}  // namespace

void add_server_command(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->folder = server::default_server_folder();
  CLI::App* const command =
      app.add_subcommand("server", "Serve jobs, charts and logs to browsers and programs");
  add_serve_options(*command, *options);
  add_network_options(*command, *options);
  add_cluster_place(*command, *options);
  const auto add = [&](const char* name, const char* text) {
    CLI::App* const sub = command->add_subcommand(name, text);
    sub->add_option("--dir", options->folder,
                    "Folder of the server (default: ~/.local/share/ringtrain)")
        ->type_name("DIR");
    return sub;
  };
  add("url", "Print an address at which a browser signs in, once")->callback([options] {
    fmt::print("{}\n", server::sign_in_address(options->folder));
  });
  const auto listen = std::make_shared<std::string>();
  const auto for_kubeml = std::make_shared<bool>(false);
  CLI::App* const door = add(
      "connect", "Pass requests to the server with the owner's token, for programs without one");
  door->add_option("--listen", *listen,
                   "Address on this machine (default: 127.0.0.1:8000; 127.0.0.1:10100 with "
                   "--kubeml)")
      ->type_name("127.0.0.1:PORT");
  door->add_flag("--kubeml", *for_kubeml,
                 "Answer as KubeML's controller at its own paths, as /train for /kubeml/train");
  door->callback([options, listen, for_kubeml] {
    const std::string own = *for_kubeml ? "127.0.0.1:10100" : "127.0.0.1:8000";
    server::connect(options->folder, listen->empty() ? own : *listen, *for_kubeml ? "/kubeml" : "");
  });
  const auto to = std::make_shared<std::string>();
  CLI::App* const backup =
      add("backup", "Copy jobs, logs and tokens, without checkpoints, while the server runs");
  backup->add_option("to", *to, "Folder to make; a server starts on it")
      ->required()
      ->type_name("NEW_DIR");
  backup->callback([options, to] { back_up(options->folder, *to); });
  const auto name = std::make_shared<std::string>();
  const auto scope = std::make_shared<std::string>("submit");
  CLI::App* const token = add("token", "Print the owner's token, or make another one");
  token->add_option("--name", *name, "Make a token of this name")->type_name("NAME");
  token->add_option("--scope", *scope, "Its rights: read, submit or admin (default: submit)")
      ->type_name("SCOPE");
  token->callback([options, name, scope] {
    fmt::print("{}\n", name->empty() ? server::owner_token(options->folder)
                                     : server::add_token(options->folder, *name, *scope));
  });
  command->add_subcommand("reference", "Print docs/reference/rest-api.md")->callback([] {
    fmt::print("{}", server::reference());
  });
  // Sub-commands would take it over.
  command->footer(
      "Jobs live on when the server ends, and the next one finds them. Prints the address at which "
      "a browser signs in.");
  command->callback([command, options] {
    if (command->get_subcommands().empty()) server::serve(*options);
  });
}

int run_keep(const std::vector<std::string>& words) {
  const size_t first = words.size() > 1 && words[1] == "--" ? 2 : 1;
  if (words.size() <= first || (words[first] != "run" && words[first] != "follow")) refuse();
  const auto folder = std::filesystem::absolute(words[0]);
  const auto program = std::filesystem::read_symlink("/proc/self/exe").string();
  const pid_t keeper =
      keep(folder, program, {words.begin() + static_cast<std::ptrdiff_t>(first), words.end()});
  fmt::print("process {}, log {}\n", keeper, (folder / "train.log").string());
  return 0;
}

void add_keep_command(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "keep", "Start a run that outlives this terminal: ringtrain keep DIR -- run job.yaml -n 4");
  command->footer(
      "DIR gets train.log, events.jsonl and, at every end, outcome.json. SIGTERM to the process "
      "that is printed stops the run with a checkpoint.");
  command->callback([] { refuse(); });
}

}  // namespace ringtrain::launcher
