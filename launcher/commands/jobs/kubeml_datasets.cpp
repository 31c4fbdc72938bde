// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "launcher/commands/jobs/kubeml_verbs.hpp"

namespace ringtrain::launcher {
namespace {

constexpr uint64_t kMaxUpload = uint64_t{16} << 30;
constexpr std::array<const char*, 4> kFields = {"x-train", "y-train", "x-test", "y-test"};

struct UploadOptions {
  std::string name = {};
  std::array<std::string, 4> files = {};  // in the order of kFields
};

std::string path_of(const std::string& name) {
  return "/dataset/" + name_in_path(name, fmt::format("the dataset '{}' does not exist", name));
}

void print_result(const std::string& answer) {
  const auto json = nlohmann::ordered_json::parse(answer, nullptr, false);
  fmt::print("{}\n", json.is_object() ? json.value("result", "") : answer);
}

void check_extension(const std::string& file) {
  const std::string extension = std::filesystem::path(file).extension().string();
  if (extension == ".npy") return;
  if (extension == ".pkl" || extension == ".pickle") {
    throw job_error(fmt::format(
        "{}: a pickle is a program, and is not read: python3 -c \"import numpy, pickle; "
        "numpy.save('x.npy', numpy.asarray(pickle.load(open('{}', 'rb'))))\" makes an array of one "
        "that you trust",
        file, file));
  }
  throw job_error(fmt::format("{}: must be a .npy file, as numpy.save() writes it", file));
}

void upload(const UploadOptions& options, KubemlServer& server) {
  constexpr const char* kBoundary = "ringtrain-f3b1c5a97d2e4608";
  for (const std::string& file : options.files) check_extension(file);
  std::string body;
  for (size_t i = 0; i < kFields.size(); ++i) {
    const std::string name = std::filesystem::path(options.files[i]).filename().string();
    body += fmt::format(
        "--{}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}.npy\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n",
        kBoundary, kFields[i], kFields[i]);
    body += read_file(options.files[i], kMaxUpload);
    body += "\r\n";
    fmt::print("File {} added as {}\n", name, kFields[i]);
  }
  body += fmt::format("--{}--\r\n", kBoundary);
  print_result(server.ask("POST", path_of(options.name), std::move(body),
                          fmt::format("multipart/form-data; boundary={}", kBoundary)));
}

void list_datasets(KubemlServer& server) {
  std::vector<std::vector<std::string>> rows = {{"NAME", "TRAINSET", "TESTSET"}};
  for (const auto& one : server.list("/dataset")) {
    rows.push_back({one.value("name", ""), print_number(one["train_set_size"]),
                    print_number(one["test_set_size"])});
  }
  print_table(rows);
}

}  // namespace

void add_dataset_verbs(CLI::App& app, KubemlServer& server) {
  CLI::App* const dataset = app.add_subcommand("dataset", "Upload, delete and show datasets");
  dataset->require_subcommand(1);
  const auto options = std::make_shared<UploadOptions>();
  CLI::App* const create = dataset->add_subcommand("create", "Upload a dataset of .npy files");
  create->add_option("--name,-n", options->name, "Name of the dataset")->required();
  create->add_option("--traindata", options->files[0], "Train samples")->required();
  create->add_option("--trainlabels", options->files[1], "Train labels")->required();
  create->add_option("--testdata", options->files[2], "Test samples")->required();
  create->add_option("--testlabels", options->files[3], "Test labels")->required();
  create->callback([options, &server] { upload(*options, server); });
  CLI::App* const remove = dataset->add_subcommand("delete", "Delete a dataset");
  remove->add_option("--name,-n", options->name, "Name of the dataset")->required();
  remove->callback(
      [options, &server] { print_result(server.ask("DELETE", path_of(options->name))); });
  dataset->add_subcommand("list", "List the datasets")->callback([&server] {
    list_datasets(server);
  });
}

}  // namespace ringtrain::launcher
