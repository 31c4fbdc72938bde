// SPDX-License-Identifier: Apache-2.0
#include "job/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/terminal/utf8.hpp"
#include "base/text.hpp"
#include "job/scalar.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 16;

// Returns the words for a line that people often get wrong; empty for any other line.
std::string slip_in(std::string_view line) {
  const size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
  const std::string_view rest = trimmed(line);
  if (rest.empty() || rest[0] == '#') return "";
  if (line.substr(0, indent).find('\t') != std::string_view::npos) {
    return "a tab indents this line: YAML takes spaces alone";
  }
  const size_t colon =
      rest.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  if (colon == 0 || colon == std::string_view::npos || rest[colon] != ':') return "";
  const std::string_view value = rest.substr(colon + 1);
  if (value.empty() || value.starts_with("//") || value.find_first_of(" \t:") == 0) return "";
  return fmt::format("a space is missing after the colon, as in '{}: {}'", rest.substr(0, colon),
                     value.substr(0, 60));
}

// Builds the value from yaml-cpp's events: unlike YAML::Node it never expands an alias, and it can
// stop at the first thing that has no place here.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string name, bool has_lines) : name_(std::move(name)), has_lines_(has_lines) {}

  Document finish() && {
    if (!root_) {
      throw job_error(fmt::format("{}: is empty", name_));
    }
    document_.value = std::move(*root_);
    return std::move(document_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) throw job_error(place(mark) + ": a second document starts: one is allowed");
    started_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (wants_key()) refuse(mark, "a key is empty");
    if (has_lines_) {
      // yaml-cpp's mark is that of the token after it.
      const std::string path = next_path();
      const auto key = document_.origins.find(path);
      if (key == document_.origins.end()) refuse(mark, "has no value");
      const std::string slip = slip_in(*frames_.back().key);
      throw job_error(
          fmt::format("{}: {}", key->second, slip.empty() ? path + ": has no value" : slip));
    }
    add(mark, nullptr);  // --set key= takes the key away
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases (*) are not allowed: write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& text) override {
    if (has_control_characters(text)) refuse(mark, "holds line breaks or control characters");
    if (wants_key()) {
      set_key(mark, text);
      return;
    }
    if (tag == "!") {  // in quotes
      add(mark, text);
      return;
    }
    refuse_tag(mark, tag);
    std::string problem;
    json value = plain_value(text, problem);
    if (!problem.empty()) refuse(mark, fmt::format("{}, found {}", problem, in_quotes(text)));
    add(mark, std::move(value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, json::array());
  }
  void OnSequenceEnd() override { end(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    start(mark, tag, json::object());
  }
  void OnMapEnd() override { end(); }

 private:
  struct Frame {
    json value;
    std::string path;
    std::optional<std::string> key;  // of a map: read, its value not yet
    std::string place;
  };

  std::string place(const YAML::Mark& mark) const {
    return has_lines_ && !mark.is_null() ? fmt::format("{}:{}", name_, mark.line + 1) : name_;
  }

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& problem) const {
    std::string where = place(mark);
    if (const std::string path = next_path(); !path.empty()) where += ": " + path;
    throw job_error(where + ": " + problem);
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag.empty() || tag == "?") return;
    refuse(mark, fmt::format("type tags are not allowed, found {}", in_quotes(tag)));
  }

  bool wants_key() const {
    return !frames_.empty() && frames_.back().value.is_object() && !frames_.back().key;
  }

  // Returns the path of the value that comes next.
  std::string next_path() const {
    if (frames_.empty()) return "";
    const Frame& top = frames_.back();
    if (top.value.is_array()) return join_path(top.path, top.value.size());
    return top.key ? join_path(top.path, *top.key) : top.path;
  }

  void set_key(const YAML::Mark& mark, const std::string& key) {
    Frame& top = frames_.back();
    if (key.empty()) refuse(mark, "a key is empty");
    if (top.value.contains(key)) {
      const auto& first = document_.origins[join_path(top.path, key)];
      refuse(mark, fmt::format("the key {} is there twice, first at {}", in_quotes(key), first));
    }
    top.key = key;
    document_.origins[join_path(top.path, key)] = place(mark);
  }

  void start(const YAML::Mark& mark, const std::string& tag, json empty) {
    if (wants_key()) refuse(mark, "a key must be plain text");
    refuse_tag(mark, tag);
    if (frames_.size() >= kMaxDepth) {
      refuse(mark, fmt::format("is nested more than {} levels deep", kMaxDepth));
    }
    frames_.push_back({std::move(empty), next_path(), {}, place(mark)});
  }

  void end() {
    Frame done = std::move(frames_.back());
    frames_.pop_back();
    put(std::move(done.value), done.place);
  }

  void add(const YAML::Mark& mark, json value) { put(std::move(value), place(mark)); }

  void put(json value, const std::string& at) {
    if (frames_.empty()) {
      document_.origins[""] = at;
      root_ = std::move(value);
      return;
    }
    Frame& top = frames_.back();
    if (top.value.is_array()) {
      document_.origins[join_path(top.path, top.value.size())] = at;
      top.value.push_back(std::move(value));
    } else {
      top.value[*top.key] = std::move(value);
      top.key.reset();
    }
  }

  const std::string name_;
  const bool has_lines_;
  bool started_ = false;
  std::vector<Frame> frames_;
  std::optional<json> root_;
  Document document_;
};

// Finds errors of syntax before Builder sees events: the parser sends strange ones for a list or
// group that is not closed.
class SyntaxOnly : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Two documents at most: a second one is refused anyway, and yaml-cpp 0.7 finds empty documents
// without end where a text begins with a comma or a closing bracket.
void send_events(const std::string& text, YAML::EventHandler& events) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  for (int documents = 0; documents < 2 && parser.HandleNextDocument(events); ++documents) {
  }
}

// Returns what yaml-cpp says in words that name the cure.
std::string in_plain_words(const std::string& message) {
  if (message == YAML::ErrorMsg::END_OF_MAP_FLOW) return "a '{' is not closed by a '}'";
  if (message == YAML::ErrorMsg::END_OF_SEQ_FLOW) return "a '[' is not closed by a ']'";
  if (message == YAML::ErrorMsg::MAP_VALUE) {
    return "no key can be here: indent it as the lines around it, and put text with ': ' in quotes";
  }
  return message;
}

// Returns the refusal of a text in which yaml-cpp finds an error at `line`, from 0. The mistake is
// often before it, where yaml-cpp still took the text for a value of several lines.
std::string syntax_problem(const std::string& text, const std::string& name, int line,
                           const std::string& message) {
  std::istringstream stream(text);
  std::string row, slip;
  int slip_line = 0;
  for (int i = 0; i <= line && std::getline(stream, row); ++i) {
    if (const std::string found = slip_in(row); !found.empty()) {
      slip = found;
      slip_line = i;
    }
  }
  if (!slip.empty()) return fmt::format("{}:{}: {}", name, slip_line + 1, slip);
  return fmt::format("{}:{}: is not valid YAML: {}", name, line + 1, in_plain_words(message));
}

Document parse(const std::string& text, const std::string& name, bool has_lines) {
  if (text.size() > kMaxJobFileBytes) {
    throw job_error(fmt::format("{}: is larger than 1 MiB: that is no job file", name));
  }
  if (!is_utf8_text(text)) {
    throw job_error(fmt::format("{}: is not a text in UTF-8: that is no job file", name));
  }
  Builder builder(name, has_lines);
  try {
    SyntaxOnly syntax_only;
    send_events(text, syntax_only);
    send_events(text, builder);
  } catch (const YAML::DeepRecursion&) {
    throw job_error(fmt::format("{}: is nested more than {} levels deep", name, kMaxDepth));
  } catch (const YAML::Exception& error) {
    if (has_lines && !error.mark.is_null()) {
      throw job_error(syntax_problem(text, name, error.mark.line, error.msg));
    }
    throw job_error(fmt::format("{}: is not valid YAML: {}", name, in_plain_words(error.msg)));
  }
  return std::move(builder).finish();
}

}  // namespace

Document parse_yaml(const std::string& text, const std::string& name) {
  return parse(text, name, true);
}

Document parse_override_value(const std::string& text, const std::string& key) {
  const std::string name = "--set " + key;
  if (text.find_first_not_of(" \t") == std::string::npos) return {nullptr, {{"", name}}};
  return parse(text, name, false);
}

}  // namespace ringtrain
