// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/manifest.hpp"

#include <fmt/format.h>

#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "base/file.hpp"

namespace ringtrain {
namespace {

using nlohmann::ordered_json;

constexpr const char* kFile = "manifest.json";
constexpr const char* kFormat = "ringtrain checkpoint";
constexpr int kVersion = 1;
constexpr uint64_t kMaxBytes = 16 << 20;  // a manifest has some KiB

std::string hexadecimal(uint32_t crc) { return fmt::format("{:08x}", crc); }

uint32_t crc_of(const std::string& text) { return crc32c(text.data(), text.size()); }

uint32_t crc_from(const ordered_json& value) {
  return static_cast<uint32_t>(std::stoul(value.get<std::string>(), nullptr, 16));
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name[0] != '.' && name.find('/') == std::string::npos;
}

// Refuses deep nesting, which no checkpoint has and which could overflow the stack in the library.
ordered_json parse_flat(const std::string& text) {
  constexpr int kDeepest = 16;
  return ordered_json::parse(text, [](int depth, ordered_json::parse_event_t, const ordered_json&) {
    if (depth > kDeepest) throw data_error("nested too deep");
    return true;
  });
}

Manifest parse(const std::string& text) {
  const auto whole = parse_flat(text);
  const auto& value = whole.at("checkpoint");
  if (crc_of(value.dump()) != crc_from(whole.at("crc32c"))) {
    throw data_error("its checksum does not match");
  }
  if (value.at("format") != kFormat || value.at("version") != kVersion) {
    throw data_error(fmt::format("not a {} of version {}", kFormat, kVersion));
  }
  Manifest manifest;
  manifest.state = training_state_from(value.at("state"));
  manifest.job = nlohmann::json::parse(value.at("job").dump());
  manifest.dataset_uuid = value.at("dataset_uuid").get<std::string>();
  manifest.train_rows = value.at("train_rows").get<uint64_t>();
  for (const auto& part : value.at("parts")) {
    manifest.parts.push_back({.file = part.at("file").get<std::string>(),
                              .bytes = part.at("bytes").get<uint64_t>(),
                              .crc32c = crc_from(part.at("crc32c"))});
    if (!is_plain_name(manifest.parts.back().file)) throw data_error("a part's name is a path");
  }
  return manifest;
}

}  // namespace

void write_manifest(const std::filesystem::path& folder, const Manifest& manifest) {
  auto parts = ordered_json::array();
  for (const CheckpointPart& part : manifest.parts) {
    parts.push_back(
        {{"file", part.file}, {"bytes", part.bytes}, {"crc32c", hexadecimal(part.crc32c)}});
  }
  nlohmann::json job = manifest.job;
  // The section does not concern training, and its environment may hold secrets.
  if (job.is_object()) job.erase("kubernetes");
  const ordered_json value = {{"format", kFormat},
                              {"version", kVersion},
                              {"state", to_json(manifest.state)},
                              {"job", ordered_json::parse(job.dump())},
                              {"dataset_uuid", manifest.dataset_uuid},
                              {"train_rows", manifest.train_rows},
                              {"parts", parts}};
  const ordered_json whole = {{"crc32c", hexadecimal(crc_of(value.dump()))}, {"checkpoint", value}};
  write_file(folder / kFile, whole.dump(1) + "\n");
}

Manifest read_manifest(const std::filesystem::path& folder) {
  const auto path = folder / kFile;
  const std::string text = read_file(path, kMaxBytes);
  try {
    return parse(text);
  } catch (const nlohmann::json::exception&) {
    throw data_error(fmt::format("{}: damaged: not the JSON of a checkpoint", path.string()));
  } catch (const Error& error) {
    throw data_error(fmt::format("{}: damaged: {}", path.string(), error.what()));
  } catch (const std::logic_error&) {  // thrown by stoul
    throw data_error(fmt::format("{}: damaged: a checksum is no number", path.string()));
  }
}

CheckpointPart describe_part(const std::filesystem::path& folder, const std::string& file) {
  const Mapping content(File::open_for_reading(folder / file));
  return {.file = file, .bytes = content.size(), .crc32c = crc32c(content.data(), content.size())};
}

void check_parts(const std::filesystem::path& folder, const Manifest& manifest) {
  for (const CheckpointPart& part : manifest.parts) {
    const auto path = folder / part.file;
    const uint64_t size = File::open_for_reading(path).size();
    if (size != part.bytes) {
      throw data_error(
          fmt::format("{}: has {} bytes, but {} were written", path.string(), size, part.bytes));
    }
    if (describe_part(folder, part.file).crc32c != part.crc32c) {
      throw data_error(fmt::format("{}: its checksum does not match", path.string()));
    }
  }
}

}  // namespace ringtrain
