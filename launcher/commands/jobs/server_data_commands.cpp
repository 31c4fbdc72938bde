// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/jobs/server_data_commands.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "launcher/commands/jobs/cluster_options.hpp"
#include "server/client/data.hpp"

namespace ringtrain::launcher {
namespace {

struct Arguments {
  server::RemoteUpload upload = {};
  std::string model = {};
  std::string version = "latest";
  std::string alias = {};
  int number = 0;
  std::filesystem::path output = ".";
  bool json = false;
};

using Work = std::function<void(server::RemoteServer& server, const Arguments& arguments)>;

// Adds a command that does its work on the server that --server or RINGTRAIN_SERVER names.
CLI::App* add(CLI::App& parent, const char* name, const char* text,
              const std::shared_ptr<Arguments>& arguments, const Work& work) {
  CLI::App* const command = parent.add_subcommand(name, text);
  const auto place = add_server_option(*command);
  command->callback([place, arguments, work] {
    auto server = find_server(*place, {});
    if (!server) {
      throw job_error("--server is missing: the server's address, or its folder on this machine");
    }
    work(*server, *arguments);
  });
  return command;
}

void add_json(CLI::App& command, Arguments& arguments) {
  command.add_flag("--json", arguments.json, "Print JSON");
}

}  // namespace

void add_server_datasets(CLI::App& dataset) {
  const auto listed = std::make_shared<Arguments>();
  add_json(*add(dataset, "list", "List the datasets of a server", listed,
                [](server::RemoteServer& server, const Arguments& one) {
                  server::list_datasets_on_server(server, one.json);
                }),
           *listed);
  const auto sent = std::make_shared<Arguments>();
  CLI::App* const upload = add(dataset, "upload", "Send files to a server and import them there",
                               sent, [](server::RemoteServer& server, const Arguments& one) {
                                 server::upload_to_server(server, one.upload, one.json);
                               });
  upload->add_option("files", sent->upload.files, "Files, in the order of 'dataset import KIND'")
      ->required();
  upload->add_option("--name", sent->upload.name, "Name of the dataset, by which jobs name it")
      ->required()
      ->type_name("NAME");
  upload
      ->add_option(
          "--kind", sent->upload.kind,
          "Kind of the files: images, csv, npy, idx, cifar, hdf5, or ringtrain for a dataset")
      ->required()
      ->type_name("KIND");
  upload
      ->add_option("--option", sent->upload.options,
                   "Option of the import, as height=32; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  upload->add_flag("--to-bucket", sent->upload.to_bucket,
                   "Send the files to the server's bucket, past the server, by URLs that it signs");
  add_json(*upload, *sent);
}

void add_server_models(CLI::App& model) {
  const auto listed = std::make_shared<Arguments>();
  add_json(*add(model, "list", "List models with their newest version", listed,
                [](server::RemoteServer& server, const Arguments& one) {
                  server::list_models_on_server(server, one.json);
                }),
           *listed);
  const auto got = std::make_shared<Arguments>();
  CLI::App* const get =
      add(model, "get", "Download the files of a version, and check them", got,
          [](server::RemoteServer& server, const Arguments& one) {
            server::get_model_from_server(server, one.model, one.version, one.output);
          });
  get->add_option("model", got->model, "Name of the model")->required();
  get->add_option("version", got->version, "Number or alias (default: latest)");
  get->add_option("-o,--output", got->output, "Folder to write to (default: the current one)")
      ->type_name("DIR");
  const auto named = std::make_shared<Arguments>();
  CLI::App* const alias =
      add(model, "alias", "Give a version an alias, as production", named,
          [](server::RemoteServer& server, const Arguments& one) {
            server::set_alias_on_server(server, one.model, one.alias, one.number);
          });
  alias->add_option("model", named->model, "Name of the model")->required();
  alias->add_option("alias", named->alias, "The alias")->required();
  alias->add_option("version", named->number, "Number of the version")->required();
}

}  // namespace ringtrain::launcher
