// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/examples.hpp"

#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace ringtrain::launcher {
namespace {

// Command lines by the command's words after `ringtrain`.
const std::map<std::string, std::vector<std::string>> kExamples = {
    {"run",
     {"ringtrain run job.yaml -n 2", "ringtrain run job.yaml --hostfile hosts --set epochs=10",
      "ringtrain run -n 4 train.py --lr 0.1"}},
    {"validate",
     {"ringtrain validate job.yaml", "ringtrain validate job.yaml --set optimizer.type=adamw"}},
    {"schema", {"ringtrain schema > job.schema.json"}},
    {"keep", {"ringtrain keep runs/kept -- run job.yaml -n 2"}},
    {"finish", {"ringtrain finish runs/mnist-lenet"}},
    {"server",
     {"ringtrain server jobs --port 8000",
      "ringtrain server jobs --listen 0.0.0.0 --tls-cert cert.pem --tls-key key.pem"}},
    {"server url", {"ringtrain server url --dir jobs"}},
    {"server backup", {"ringtrain server backup /backup/jobs-monday --dir jobs"}},
    {"server connect", {"ringtrain server connect --dir jobs --listen 127.0.0.1:8000"}},
    {"server token", {"ringtrain server token --dir jobs --name ci --scope submit"}},
    {"server reference", {"ringtrain server reference > docs/reference/rest-api.md"}},
    {"dataset list", {"ringtrain dataset list --server jobs"}},
    {"dataset upload",
     {"ringtrain dataset upload photos.zip --kind images --name photos --server jobs"}},
    {"model list", {"ringtrain model list --server jobs"}},
    {"model get", {"ringtrain model get mnist production -o mnist-model --server jobs"}},
    {"model alias", {"ringtrain model alias mnist production 2 --server jobs"}},
    {"track", {"ringtrain track runs/mnist-lenet"}},
    {"submit",
     {"ringtrain submit job.yaml --wait",
      "ringtrain submit job.yaml -n 4 --server http://127.0.0.1:8080"}},
    {"render", {"ringtrain render job.yaml | kubectl apply -f -"}},
    {"jobs", {"ringtrain jobs --namespace team", "ringtrain jobs --server jobs"}},
    {"status", {"ringtrain status mnist --watch"}},
    {"logs", {"ringtrain logs mnist --follow", "ringtrain logs mnist --rank 0 --tail 100"}},
    {"stop", {"ringtrain stop mnist"}},
    {"suspend", {"ringtrain suspend mnist"}},
    {"resume", {"ringtrain resume mnist"}},
    {"scale", {"ringtrain scale mnist 4"}},
    {"clone", {"ringtrain clone mnist --server jobs"}},
    {"delete", {"ringtrain delete mnist"}},
    {"doctor", {"ringtrain doctor"}},
    {"completion", {"source <(ringtrain completion bash)"}},
    {"dataset info", {"ringtrain dataset info data/mnist.h5"}},
    {"dataset verify", {"ringtrain dataset verify data/mnist.h5"}},
    {"dataset split", {"ringtrain dataset split data/mnist.h5 --shards 4 -o data/mnist-parts"}},
    {"dataset export", {"ringtrain dataset export data/mnist.h5 -o data/mnist-npy"}},
    {"dataset sample", {"ringtrain dataset sample data/mnist.h5 -o digits.png --rows 25"}},
    {"dataset import mnist", {"ringtrain dataset import mnist -o data/mnist.h5"}},
    {"dataset import idx", {"ringtrain dataset import idx x.gz y.gz test-x.gz test-y.gz -o my.h5"}},
    {"dataset import npy",
     {"ringtrain dataset import npy x.npy y.npy test_x.npy test_y.npy -o my.h5",
      "ringtrain dataset import npy x.npy y.npy --test-share 0 --keep-order -o my.h5"}},
    {"dataset import npz",
     {"ringtrain dataset import npz mnist.npz --mean 0.1307 --std 0.3081 -o my.h5",
      "ringtrain dataset import npz a.npz --train-x arr_0 --train-y arr_1 -o my.h5"}},
    {"dataset import cifar",
     {"ringtrain dataset import cifar cifar-10-binary.tar.gz -o data/cifar10.h5"}},
    {"dataset import csv",
     {"ringtrain dataset import csv iris.csv --label species -o iris.h5",
      "ringtrain dataset import csv homes.csv --target price,rent -o homes.h5"}},
    {"dataset import hdf5",
     {"ringtrain dataset import hdf5 in.h5 --train-x /x --train-y /y -o my.h5"}},
    {"dataset import images",
     {"ringtrain dataset import images photos -o photos.h5",
      "ringtrain dataset import images photos --height 64 --width 64 -o small.h5",
      "ringtrain dataset import images photos.zip --labels labels.csv -o photos.h5"}},
    {"dataset import webdataset",
     {"ringtrain dataset import webdataset 'train-*.tar' --test val.tar -o my.h5"}},
    {"model average", {"ringtrain model average trainer-1.h5 trainer-2.h5 -o model.h5"}},
    {"model convert",
     {"ringtrain model convert model.h5 net.pt",
      "ringtrain model convert runs/mnist-lenet/model.safetensors model.h5"}},
};

// Returns null where this program does not have the command.
CLI::App* command_of(CLI::App& app, const std::string& words) {
  CLI::App* command = &app;
  std::istringstream stream(words);
  for (std::string word; stream >> word;) {
    const auto found =
        command->get_subcommands([&](const CLI::App* other) { return other->check_name(word); });
    if (found.empty()) return nullptr;
    command = found.front();
  }
  return command;
}

}  // namespace

void add_examples(CLI::App& app) {
  for (const auto& [words, lines] : kExamples) {
    CLI::App* const command = command_of(app, words);
    if (command == nullptr) continue;
    std::string footer = command->get_footer();
    footer += footer.empty() ? "Examples:" : "\n\nExamples:";
    for (const std::string& line : lines) footer += "\n  " + line;
    command->footer(footer);
  }
}

}  // namespace ringtrain::launcher
