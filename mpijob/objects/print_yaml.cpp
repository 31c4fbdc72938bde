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

// Comments, by an object's kind and the path of a key in it. Each is printed above its key.
const std::map<std::string, std::string, std::less<>>& comments() {
  static const std::map<std::string, std::string, std::less<>> all = {
      {"ServiceAccount/automountServiceAccountToken", "The pods do not use the API server."},
      {"ConfigMap/data/job.yaml", "Launcher and ranks read it at /etc/ringtrain/job.yaml."},
      {"MPIJob/spec/slotsPerWorker", "Ranks in each worker pod."},
      {"MPIJob/spec/launcherCreationPolicy",
       "The launcher's pod is created when sshd answers in every worker."},
      {"MPIJob/spec/sshAuthMountPath",
       "The operator's key pair, the same in every pod of the job."},
      {"MPIJob/spec/runPolicy/cleanPodPolicy",
       "Deletes the workers when the job ends. The launcher stays for its log."},
      {"MPIJob/spec/runPolicy/backoffLimit",
       "Launcher pods that may be lost. The launcher itself restarts ranks."},
      {"MPIJob/spec/runPolicy/schedulingPolicy/minAvailable",
       "The workers alone: with the launcher counted, it and they would wait for each other."},
      {"MPIJob/spec/mpiReplicaSpecs/Launcher/restartPolicy",
       "A failed launcher's pod and log stay; the Job creates another pod."},
      {"MPIJob/spec/mpiReplicaSpecs/Worker/restartPolicy",
       "The operator never replaces a failed worker, so its node restarts it."},
      {"MPIJob/spec/mpiReplicaSpecs/Worker/template/spec/topologySpreadConstraints",
       "Spreads workers over nodes, as far as there are enough."},
      {"MPIJob/spec/mpiReplicaSpecs/Worker/template/spec/securityContext",
       "Lets mpiuser, 1000 in the image, write to volumes."},
      {"MPIJob/spec/mpiReplicaSpecs/Worker/template/spec/initContainers",
       "Copies the dataset into the worker's own volume."},
  };
  return all;
}

// Returns whether the string needs no quotes: it starts like a name or a path and is not a word
// that YAML 1.1 or 1.2 takes for something else.
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
  constexpr std::array<std::string_view, 9> kWords = {"true", "false", "yes", "no", "on",
                                                      "off",  "null",  "y",   "n"};
  return std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

// Returns whether a literal block can hold the string byte for byte.
bool is_block(const std::string& text) {
  if (text.size() < 2 || text.back() != '\n' || text[text.size() - 2] == '\n') return false;
  if (text.front() == ' ' || text.front() == '\n') return false;
  return std::none_of(text.begin(), text.end(), [](unsigned char c) {
    return (c < 0x20 && c != '\n') || c == 0x7F || c >= 0x80;
  });
}

// Prints a string or a plain value. JSON's strings, numbers and words are YAML's.
std::string scalar(const ordered_json& value) {
  if (value.is_string() && is_plain(value.get_ref<const std::string&>())) {
    return value.get<std::string>();
  }
  return value.dump();
}

bool is_leaf(const ordered_json& value) { return !value.is_structured() || value.empty(); }

// Returns whether this is a list of plain values, such as a command, which is printed on a line.
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
  // Prints the keys of a map, one a line; `first` takes the place of the first line's indentation.
  void map(const ordered_json& value, const std::string& path, int indent, std::string first) {
    for (const auto& [key, child] : value.items()) {
      const std::string here = path + "/" + key;
      if (const auto found = comments().find(here); found != comments().end()) {
        text_ += std::string(static_cast<size_t>(indent), ' ') + "# " + found->second + "\n";
      }
      text_ += first.empty() ? std::string(static_cast<size_t>(indent), ' ') : first;
      first.clear();
      text_ += scalar(key) + ":";
      entry(child, here, indent);
    }
  }

  std::string take() { return std::move(text_); }

 private:
  // Prints the value of a key.
  void entry(const ordered_json& value, const std::string& path, int indent) {
    if (value.is_string() && is_block(value.get_ref<const std::string&>())) {
      block(value.get_ref<const std::string&>(), indent + 2);
    } else if (is_leaf(value)) {
      text_ += " " + scalar(value) + "\n";
    } else if (is_line(value)) {
      text_ += " " + line(value) + "\n";
    } else if (value.is_array()) {
      text_ += "\n";
      const std::string dash = std::string(static_cast<size_t>(indent), ' ') + "- ";
      for (const ordered_json& item : value) map(item, path, indent + 2, dash);
    } else {
      text_ += "\n";
      map(value, path, indent + 2, "");
    }
  }

  void block(const std::string& lines, int indent) {
    text_ += " |\n";
    size_t start = 0;
    while (start < lines.size()) {
      const size_t end = lines.find('\n', start);
      if (end > start) text_ += std::string(static_cast<size_t>(indent), ' ');
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
