// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/print_yaml.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>
#include <utility>

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;

// By an object's kind and the path of a key in it. Stands above the key.
const std::map<std::string, std::string, std::less<>>& comments() {
  static const std::map<std::string, std::string, std::less<>> all = {
      {"ServiceAccount/automountServiceAccountToken", "The pods need nothing of the API server."},
      {"ConfigMap/data/job.yaml", "What launcher and ranks read at /etc/ringtrain/job.yaml."},
      {"MPIJob/spec/slotsPerWorker", "Ranks of each worker pod."},
      {"MPIJob/spec/launcherCreationPolicy",
       "The launcher's pod is made when sshd answers in every worker."},
      {"MPIJob/spec/sshAuthMountPath",
       "The operator's key pair, the same in every pod of the job."},
      {"MPIJob/spec/runPolicy/cleanPodPolicy",
       "Of the workers, at the job's end. The launcher stays for its log."},
      {"MPIJob/spec/runPolicy/backoffLimit",
       "How many launcher pods may be lost. Ranks that end are the launcher's business."},
      {"MPIJob/spec/runPolicy/schedulingPolicy/minAvailable",
       "The workers alone: with the launcher counted, it and they would wait for one another."},
      {"MPIJob/spec/mpiReplicaSpecs/Launcher/restartPolicy",
       "A failed launcher's pod and log stay; the Job makes another."},
      {"MPIJob/spec/mpiReplicaSpecs/Worker/restartPolicy",
       "The operator never replaces a worker that has failed, so its node starts it again."},
      {"MPIJob/spec/mpiReplicaSpecs/Worker/template/spec/topologySpreadConstraints",
       "On different nodes, while there are enough."},
      {"MPIJob/spec/mpiReplicaSpecs/Worker/template/spec/securityContext",
       "Lets mpiuser, 1000 in the image, write to volumes."},
      {"MPIJob/spec/mpiReplicaSpecs/Worker/template/spec/initContainers",
       "Copies the dataset into the worker's own volume."},
  };
  return all;
}

// Whether the text needs no quotes: it starts like a name or a path and is no word that YAML 1.1
// or 1.2 takes for something else.
bool is_plain(std::string_view text) {
  if (text.empty() || (!std::isalpha(static_cast<unsigned char>(text[0])) && text[0] != '/')) {
    return false;
  }
  if (!std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '/');
      })) {
    return false;
  }
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 9> words = {"true", "false", "yes", "no", "on",
                                                     "off",  "null",  "y",   "n"};
  return std::find(words.begin(), words.end(), lower) == words.end();
}

// Whether the text can be a literal block that gives it back byte for byte.
bool is_block(const std::string& text) {
  if (text.size() < 2 || text.back() != '\n' || text[text.size() - 2] == '\n') return false;
  if (text.front() == ' ' || text.front() == '\n') return false;
  return std::none_of(text.begin(), text.end(), [](unsigned char c) {
    return (c < 0x20 && c != '\n') || c == 0x7F || c >= 0x80;
  });
}

// A text or a plain value. JSON's strings, numbers and words are YAML's.
std::string scalar(const ordered_json& value) {
  if (value.is_string() && is_plain(value.get_ref<const std::string&>())) {
    return value.get<std::string>();
  }
  return value.dump();
}

bool is_leaf(const ordered_json& value) { return !value.is_structured() || value.empty(); }

// A list of plain values fits on a line, as a command does.
bool is_line(const ordered_json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), is_leaf);
}

std::string line(const ordered_json& list) {
  std::string text = "[";
  for (const ordered_json& item : list) text += (text.size() > 1 ? ", " : "") + scalar(item);
  return text + "]";
}

// yaml-cpp's emitter puts comments behind the line before, and not in the column of their key.
class Printer {
 public:
  // The keys of a map, one a line; `first` stands where the first line's indentation would.
  void map(const ordered_json& value, const std::string& path, int indent, std::string first) {
    for (const auto& [key, child] : value.items()) {
      const std::string here = path + "/" + key;
      if (const auto found = comments().find(here); found != comments().end()) {
        text_ += std::string(static_cast<std::size_t>(indent), ' ') + "# " + found->second + "\n";
      }
      text_ += first.empty() ? std::string(static_cast<std::size_t>(indent), ' ') : first;
      first.clear();
      text_ += scalar(key) + ":";
      entry(child, here, indent);
    }
  }

  std::string take() { return std::move(text_); }

 private:
  // What stands behind a key.
  void entry(const ordered_json& value, const std::string& path, int indent) {
    if (value.is_string() && is_block(value.get_ref<const std::string&>())) {
      block(value.get_ref<const std::string&>(), indent + 2);
    } else if (is_leaf(value)) {
      text_ += " " + scalar(value) + "\n";
    } else if (is_line(value)) {
      text_ += " " + line(value) + "\n";
    } else if (value.is_array()) {
      text_ += "\n";
      const std::string dash = std::string(static_cast<std::size_t>(indent), ' ') + "- ";
      for (const ordered_json& item : value) map(item, path, indent + 2, dash);
    } else {
      text_ += "\n";
      map(value, path, indent + 2, "");
    }
  }

  void block(const std::string& lines, int indent) {
    text_ += " |\n";
    std::size_t start = 0;
    while (start < lines.size()) {
      const std::size_t end = lines.find('\n', start);
      if (end > start) text_ += std::string(static_cast<std::size_t>(indent), ' ');
      text_ += lines.substr(start, end + 1 - start);
      start = end + 1;
    }
  }

  std::string text_;
};

}  // namespace

std::string print_yaml(const std::vector<ordered_json>& objects) {
  std::string text;
  for (const ordered_json& object : objects) {
    Printer printer;
    printer.map(object, object.value("kind", ""), 0, "");
    if (!text.empty()) text += "---\n";
    text += printer.take();
  }
  return text;
}

}  // namespace ringtrain::mpijob
