#include "tools/cli/kafka_args.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "proto/base/file.h"

namespace casebox::tools {
namespace {

constexpr size_t kLongestSecret = 4096;

/// A file that only its owner can read.
Result<Fd> open_private(const std::string& path) {
  CASEBOX_TRY(Fd fd, Fd::open(path, O_RDONLY));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return errno_error(path, "stat", errno);
  if (!S_ISREG(info.st_mode))
    return Error{Code::kInvalidArgument, path + ": is no file; name one that holds the secret"};
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{Code::kInvalidArgument,
                 path +
                     ": others than its owner can read it; run `chmod 600` on it and consider "
                     "whether it is still secret"};
  return fd;
}

/// The one line of such a file.
Result<std::string> read_password(const std::string& path) {
  CASEBOX_TRY(const Fd fd, open_private(path));
  std::string text(kLongestSecret + 1, '\0');
  const ssize_t n = ::read(fd.get(), text.data(), text.size());
  if (n < 0) return errno_error(path, "read", errno);
  text.resize(static_cast<size_t>(n));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty() || text.size() > kLongestSecret || text.find('\n') != std::string::npos ||
      text.find('\0') != std::string::npos)
    return Error{Code::kInvalidArgument,
                 path + ": not one line; write the password and nothing else"};
  return text;
}

Result<void> set_tls(const v1::KafkaTls& tls, std::map<std::string, std::string>& properties) {
  // As librdkafka has it by itself since version 2; said, so that an older one does it too.
  properties["ssl.endpoint.identification.algorithm"] = "https";
  if (!tls.ca_file().empty()) properties["ssl.ca.location"] = tls.ca_file();
  if (!tls.certificate_file().empty())
    properties["ssl.certificate.location"] = tls.certificate_file();
  if (!tls.key_file().empty()) {
    CASEBOX_TRY(const Fd key, open_private(tls.key_file()));
    properties["ssl.key.location"] = tls.key_file();
  }
  if (tls.key_password_file().empty()) return ok();
  CASEBOX_TRY(properties["ssl.key.password"], read_password(tls.key_password_file()));
  return ok();
}

}  // namespace

std::vector<Arg> with_kafka_args(bool required, std::vector<Arg> more) {
  std::vector<Arg> args = {
      {"--kafka", ArgKind::kText, "Brokers, as host:port,...", "", required},
      {"--topic-prefix", ArgKind::kText, "What the topics' names begin with", "casebox"},
      {"--kafka-option", ArgKind::kList,
       "librdkafka properties as name=value, e.g. security.protocol=SASL_SSL"},
      {"--kafka-password-file", ArgKind::kText,
       "sasl.password from a file of mode 0600, which a list of processes does not show"},
  };
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

Result<bus::KafkaOptions> kafka_options(const Args& args) {
  bus::KafkaOptions options;
  options.brokers = args.text("--kafka");
  options.topic_prefix = args.text("--topic-prefix");
  for (const std::string& option : args.list("--kafka-option")) {
    const size_t equals = option.find('=');
    // The value may be a password: it is not repeated.
    if (equals == std::string::npos || equals == 0)
      return Error{Code::kInvalidArgument, "--kafka-option: not a name=value; write both"};
    options.properties[option.substr(0, equals)] = option.substr(equals + 1);
  }
  if (args.has("--kafka-password-file")) {
    CASEBOX_TRY(options.properties["sasl.password"],
                read_password(args.text("--kafka-password-file")));
  }
  return options;
}

Result<bus::KafkaOptions> kafka_options(const v1::KafkaConfig& config) {
  bus::KafkaOptions options;
  options.brokers = config.brokers();
  if (!config.topic_prefix().empty()) options.topic_prefix = config.topic_prefix();
  if (!config.group().empty()) options.client_id = config.group();
  if (config.has_tls()) CASEBOX_CHECK(set_tls(config.tls(), options.properties));
  if (config.has_sasl()) {
    options.properties["sasl.mechanisms"] = config.sasl().mechanism();
    options.properties["sasl.username"] = config.sasl().username();
    CASEBOX_TRY(options.properties["sasl.password"], read_password(config.sasl().password_file()));
  }
  if (config.has_tls() || config.has_sasl())
    options.properties["security.protocol"] = !config.has_sasl() ? "SSL"
                                              : config.has_tls() ? "SASL_SSL"
                                                                 : "SASL_PLAINTEXT";
  return options;
}

}  // namespace casebox::tools
