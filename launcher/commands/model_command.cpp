// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/model_command.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "launcher/commands/dataset/destination.hpp"
#include "model_files/keras/convert.hpp"
#include "model_files/state_dict.hpp"

namespace ringtrain::launcher {
namespace {

struct ConvertArguments {
  std::string from;
  std::string to;
  std::string like;
  bool force = false;
};

bool is_h5(const std::string& path) { return path.ends_with(".h5") || path.ends_with(".hdf5"); }
bool is_safetensors(const std::string& path) { return path.ends_with(".safetensors"); }

void convert(const ConvertArguments& arguments) {
  const auto& [from, to, like, force] = arguments;
  const bool to_keras = is_safetensors(from) && is_h5(to);
  const bool to_torchscript = is_h5(from) && to.ends_with(".pt");
  const bool to_state_dict = is_safetensors(from) && to.ends_with(".pth");
  if (!to_keras && !to_torchscript && !to_state_dict && !(is_h5(from) && is_safetensors(to))) {
    throw job_error(fmt::format(
        "{} to {}: by their names these can be converted: .h5 to .pt or .safetensors, and "
        ".safetensors to .h5 or .pth",
        from, to));
  }
  if (!like.empty() && !to_keras) throw job_error("--like: is for a conversion to .h5");
  refuse_own_source(to, {from});
  check_folder(to, false);
  // The model that a job has trained may go back to the place that it came from.
  refuse_to_replace(to, force);
  if (to_keras) {
    model_files::keras::safetensors_to_h5(
        from, to, like.empty() ? std::nullopt : std::optional<std::filesystem::path>(like));
  } else if (to_state_dict) {
    model_files::safetensors_to_state_dict(from, to);
  } else if (to_torchscript) {
    model_files::keras::h5_to_torchscript(from, to);
  } else {
    model_files::keras::h5_to_safetensors(from, to);
  }
  fmt::print("{}\n", to);
}

void add_average(CLI::App& model) {
  struct Arguments {
    std::vector<std::string> from;
    std::string to;
    bool force = false;
  };
  CLI::App& command = *model.add_subcommand(
      "average", "Write the mean of models of Keras (.h5) that have the same layers");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("from", arguments->from, "Files to read")->required();
  command.add_option("-o,--output", arguments->to, "File to write, .h5")
      ->required()
      ->type_name("FILE");
  command.add_flag("--force", arguments->force, "Replace the file if it exists");
  command.callback([arguments] {
    const auto& [from, to, force] = *arguments;
    if (!is_h5(to)) throw job_error(fmt::format("-o {}: must be a name that ends with .h5", to));
    refuse_own_source(to, from);
    check_folder(to, false);
    refuse_to_replace(to, force);
    model_files::keras::average_h5({from.begin(), from.end()}, to);
    fmt::print("{}\n", to);
  });
}

}  // namespace

void add_model_command(CLI::App& app) {
  CLI::App& model = *app.add_subcommand(
      "model", "Convert files of models; list, download and name those of a server");
  model.require_subcommand(1);
  CLI::App& command = *model.add_subcommand(
      "convert", "Convert a model of Keras (.h5) to TorchScript or safetensors, and weights back");
  const auto arguments = std::make_shared<ConvertArguments>();
  command
      .add_option(
          "from", arguments->from,
          "File to read: model.h5 of Keras, or model.safetensors of a job, or a checkpoint's "
          "weights.safetensors")
      ->required();
  command
      .add_option("to", arguments->to,
                  "File to write: .pt, which 'model:' of a job takes; .safetensors, which "
                  "'initialize_from:' takes; .pth, a state_dict for torch.load; or .h5")
      ->required();
  command
      .add_option("--like", arguments->like,
                  "Write the model that this .h5 file describes, with the weights of the other")
      ->type_name("FILE");
  command.add_flag("--force", arguments->force, "Replace the file if it exists");
  command.callback([arguments] { convert(*arguments); });
  add_average(model);
}

}  // namespace ringtrain::launcher
