// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "storage/s3/aws_ini.hpp"

namespace ringtrain::storage {
namespace {

class SettingsReader {
 public:
  explicit SettingsReader(const Variables& variable) : variable_(variable) { read_files(); }

  S3Settings read() const {
    S3Settings settings;
    set_place(settings);
    set_keys(settings);
    if (const std::string bundle = variable_("AWS_CA_BUNDLE"); !bundle.empty()) {
      settings.authorities = read_file(bundle);
    }
    const std::string version = variable_("signature_version");
    if (!version.empty() && version != "s3v4" && version != "v4") {
      throw job_error(fmt::format("signature_version={}: must be s3v4", version));
    }
    return settings;
  }

 private:
  std::string first_of(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      if (std::string value = variable_(name); !value.empty()) return value;
    }
    return "";
  }

  std::string of_profile(const std::string& key) const {
    const auto found = profile_.find(key);
    return found == profile_.end() ? "" : found->second;
  }

  void add_file(const char* variable, const char* usual, bool is_config) {
    const std::string chosen = variable_(variable);
    const std::filesystem::path path =
        chosen.empty() ? std::filesystem::path(variable_("HOME")) / ".aws" / usual
                       : std::filesystem::path(chosen);
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      if (chosen.empty()) return;
      throw job_error(fmt::format("{}={}: there is no such file", variable, chosen));
    }
    AwsSections sections = parse_aws_file(read_file(path));
    const std::string section = is_config && name_ != "default" ? "profile " + name_ : name_;
    const auto found = sections.find(section);
    if (found == sections.end()) return;
    files_ += (files_.empty() ? "" : " and ") + path.string();
    profile_.merge(found->second);
  }

  void read_files() {
    const std::string chosen = first_of({"AWS_PROFILE", "AWS_DEFAULT_PROFILE"});
    name_ = chosen.empty() ? "default" : chosen;
    add_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", false);
    add_file("AWS_CONFIG_FILE", "config", true);
    if (!chosen.empty() && files_.empty()) {
      throw job_error(
          fmt::format("AWS_PROFILE={}: neither ~/.aws/credentials nor ~/.aws/config has this "
                      "profile",
                      chosen));
    }
  }

  void set_place(S3Settings& settings) const {
    settings.endpoint = first_of({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "endpoint_url"});
    if (settings.endpoint.empty()) settings.endpoint = of_profile("endpoint_url");
    while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
    const std::string& endpoint = settings.endpoint;
    if (!endpoint.empty() && !endpoint.starts_with("http://") &&
        !endpoint.starts_with("https://")) {
      throw job_error(
          fmt::format("AWS_ENDPOINT_URL={}: must be a URL, as in http://127.0.0.1:9000", endpoint));
    }
    std::string region = first_of({"AWS_REGION", "AWS_DEFAULT_REGION", "region_name"});
    if (region.empty()) region = of_profile("region");
    if (!region.empty()) settings.region = region;
    const bool is_name = std::all_of(settings.region.begin(), settings.region.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (!is_name) throw job_error(fmt::format("AWS_REGION={}: is no region", settings.region));
    const std::string style = of_profile("s3.addressing_style");
    settings.path_style = style == "path" || (style != "virtual" && !endpoint.empty());
  }

  // A secret without its id, or an id without its secret, is a mistake.
  std::optional<AwsKeys> keys_of(const std::string& access, const std::string& secret,
                                 const std::string& token, const std::string& where) const {
    if (access.empty() && secret.empty()) return std::nullopt;
    if (access.empty() || secret.empty()) {
      throw job_error(fmt::format("{}: has a key's {}, but not its {}", where,
                                  access.empty() ? "secret" : "id",
                                  access.empty() ? "id" : "secret"));
    }
    return AwsKeys{access, secret, token};
  }

  void set_keys(S3Settings& settings) const {
    settings.keys_from = "AWS_ACCESS_KEY_ID";
    settings.keys = keys_of(variable_("AWS_ACCESS_KEY_ID"), variable_("AWS_SECRET_ACCESS_KEY"),
                            variable_("AWS_SESSION_TOKEN"), "AWS_ACCESS_KEY_ID");
    if (settings.keys) return;
    settings.keys_from = "aws_access_key_id";
    settings.keys = keys_of(variable_("aws_access_key_id"), variable_("aws_secret_access_key"),
                            variable_("aws_session_token"), "aws_access_key_id");
    if (settings.keys || set_web_identity(settings)) return;
    settings.keys_from = fmt::format("profile {} of {}", name_, files_);
    settings.keys = keys_of(of_profile("aws_access_key_id"), of_profile("aws_secret_access_key"),
                            of_profile("aws_session_token"), settings.keys_from);
    if (!settings.keys) settings.keys_from = "";
  }

  bool set_web_identity(S3Settings& settings) const {
    WebIdentity identity;
    identity.role = variable_("AWS_ROLE_ARN");
    identity.token_file = variable_("AWS_WEB_IDENTITY_TOKEN_FILE");
    settings.keys_from = "AWS_ROLE_ARN";
    if (identity.token_file.empty()) {
      identity.role = of_profile("role_arn");
      identity.token_file = of_profile("web_identity_token_file");
      settings.keys_from = fmt::format("profile {} of {}", name_, files_);
    }
    if (identity.token_file.empty()) return false;
    if (identity.role.empty()) {
      throw job_error("AWS_ROLE_ARN: is missing beside AWS_WEB_IDENTITY_TOKEN_FILE");
    }
    identity.session_name = variable_("AWS_ROLE_SESSION_NAME");
    if (identity.session_name.empty()) identity.session_name = "ringtrain";
    identity.endpoint = variable_("AWS_ENDPOINT_URL_STS");
    if (identity.endpoint.empty()) {
      identity.endpoint = fmt::format("https://sts.{}.amazonaws.com", settings.region);
    }
    settings.web_identity = identity;
    return true;
  }

  const Variables& variable_;
  std::string name_;   // of the profile
  std::string files_;  // that have it
  std::map<std::string, std::string> profile_;
};

}  // namespace

std::string environment_variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

S3Settings read_s3_settings(const Variables& variable) { return SettingsReader(variable).read(); }

}  // namespace ringtrain::storage
