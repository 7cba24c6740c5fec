#include "tools/config/config.h"

#include <algorithm>
#include <array>
#include <set>

#include "proto/base/seconds.h"
#include "proto/text/text.h"
#include "proto/vocabulary/vocabulary.h"
#include "recorder/case_machine.h"
#include "recorder/sources/source_types.h"
#include "tools/cli/names.h"
#include "tools/config/yaml.h"

namespace casebox::tools {
namespace {

constexpr size_t kLongestSocket = 107;
constexpr std::array kMechanisms = {"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"};
constexpr std::array kClasses = {"", "A", "B", "C"};

Error bad(const std::string& name, const std::string& what) {
  return Error{Code::kInvalidArgument, name + ": " + what};
}

void fill_kafka(v1::KafkaConfig& kafka) {
  if (kafka.partitions() == 0) kafka.set_partitions(1);
  if (kafka.topic_prefix().empty()) kafka.set_topic_prefix("casebox");
  if (kafka.group().empty()) kafka.set_group("casebox-store");
  if (kafka.has_sasl() && kafka.sasl().mechanism().empty())
    kafka.mutable_sasl()->set_mechanism("SCRAM-SHA-512");
}

template <size_t N>
bool one_of(const std::string& value, const std::array<const char*, N>& known) {
  return std::find(known.begin(), known.end(), value) != known.end();
}

/// Secrets stand in files of their own: what a configuration says is recorded, and shown.
Result<void> check_security(const v1::KafkaConfig& kafka, const std::string& name) {
  const v1::KafkaTls& tls = kafka.tls();
  if (tls.certificate_file().empty() != tls.key_file().empty())
    return bad(name,
               "'kafka.tls': of 'certificate_file' and 'key_file' there is one; write both, or "
               "none where the broker asks for no certificate");
  if (tls.key_file().empty() && !tls.key_password_file().empty())
    return bad(name, "'kafka.tls.key_password_file' without 'key_file'; write both");
  if (!kafka.has_sasl()) return ok();
  const v1::KafkaSasl& sasl = kafka.sasl();
  if (!one_of(sasl.mechanism(), kMechanisms))
    return bad(name,
               "'kafka.sasl.mechanism' is not known; write SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN");
  if (sasl.username().empty())
    return bad(name, "'kafka.sasl.username' is missing; write the name the broker knows");
  if (sasl.password_file().empty())
    return bad(name,
               "'kafka.sasl.password_file' is missing; name a file of mode 0600 that holds the "
               "password");
  if (sasl.mechanism() == "PLAIN" && !kafka.has_tls())
    return bad(name,
               "'kafka.sasl.mechanism': PLAIN sends the password in the clear; write 'tls' too, or "
               "SCRAM-SHA-512");
  return ok();
}

Result<void> check_kafka(const v1::KafkaConfig& kafka, const std::string& name) {
  if (kafka.brokers().empty())
    return bad(
        name,
        "'kafka.brokers' is missing; write host:port, or leave 'kafka' out to use log folders");
  if (kafka.partitions() > 1024)
    return bad(name,
               "'kafka.partitions' is above 1024; write the number of partitions of the topics");
  return check_security(kafka, name);
}

/// Procedure and room stand in the clear in every recording, and are not repeated here: what is no
/// code may be a name.
Result<void> check_code(const std::string& value, const std::string& name, const char* field,
                        const char* example) {
  if (value.empty() || vocabulary::is_code(value)) return ok();
  return bad(name,
             std::string(field) + " is no code; " + vocabulary::kCodeForm + ", such as " + example);
}

template <typename Config>
Result<Config> load(const std::filesystem::path& file) {
  Config config;
  CASEBOX_CHECK(read_yaml_file(file, config));
  fill_defaults(config);
  CASEBOX_CHECK(check(config, file.string()));
  return config;
}

}  // namespace

bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

Result<v1::RecorderConfig> load_recorder_config(const std::filesystem::path& file) {
  return load<v1::RecorderConfig>(file);
}
Result<v1::ApplianceConfig> load_appliance_config(const std::filesystem::path& file) {
  return load<v1::ApplianceConfig>(file);
}
Result<v1::IngestConfig> load_ingest_config(const std::filesystem::path& file) {
  return load<v1::IngestConfig>(file);
}
Result<v1::ServeConfig> load_serve_config(const std::filesystem::path& file) {
  return load<v1::ServeConfig>(file);
}

void fill_defaults(v1::RecorderConfig& config) {
  if (config.frame_max_ms() == 0) config.set_frame_max_ms(150);
  if (config.sync_max_ms() == 0) config.set_sync_max_ms(100);
  if (config.queue_items() == 0) config.set_queue_items(4096);
  if (config.has_kafka()) fill_kafka(*config.mutable_kafka());
}

void fill_defaults(v1::ApplianceConfig& config) {
  fill_defaults(*config.mutable_recorder());
  v1::CasesConfig& cases = *config.mutable_cases();
  if (!cases.has_ring_s()) cases.set_ring_s(120);
  if (cases.ring_mb() == 0) cases.set_ring_mb(256);
  if (!cases.has_resume_within_s()) cases.set_resume_within_s(3600);
  if (cases.control().empty() && !config.recorder().spool_dir().empty())
    cases.set_control(config.recorder().spool_dir() + "/control");
}

void fill_defaults(v1::IngestConfig& config) {
  if (config.has_kafka()) fill_kafka(*config.mutable_kafka());
}

void fill_defaults(v1::ServeConfig& config) {
  if (config.address().empty()) config.set_address("127.0.0.1");
  if (config.port() == 0) config.set_port(8420);
  if (config.has_kafka()) fill_kafka(*config.mutable_kafka());
}

Result<void> check(const v1::RecorderConfig& config, const std::string& name) {
  if (config.spool_dir().empty())
    return bad(name, "'spool_dir' is missing; write the folder that receives the log");
  if (config.keystore_dir().empty())
    return bad(name, "'keystore_dir' is missing; write the folder of the site's keystore");
  if (config.procedure().empty())
    return bad(name, "'procedure' is missing; write a code such as lap-cholecystectomy");
  CASEBOX_CHECK(check_code(config.procedure(), name, "'procedure'", "lap-cholecystectomy"));
  CASEBOX_CHECK(check_code(config.room(), name, "'room'", "or-1"));
  if (config.sources().empty()) return bad(name, "'sources' is empty; name at least one source");
  std::set<std::string> names;
  for (int i = 0; i < config.sources_size(); ++i) {
    const v1::SourceConfig& source = config.sources(i);
    const std::string at = "'sources[" + std::to_string(i) + "].";
    if (source.name().empty())
      return bad(name, at + "name' is missing; give each source a name of its own");
    if (!names.insert(source.name()).second)
      return bad(name, at + "name' is used twice; give each source a name of its own");
    if (recorder::source_type(source.type()) == nullptr)
      return bad(name, at + "type' is not known; write " + recorder::source_type_names());
    if (source.url().empty() && source.type() != "simulator")
      return bad(name, at + "url' is missing; write the file or URL of the source");
    if (!one_of(source.stream_class(), kClasses))
      return bad(name, at + "stream_class' is not known; write A, B or C");
    if (auto known = text::check_encoding(source.encoding()); !known)
      return bad(name, at + "encoding': " + known.error().message);
    if (auto start = checked_seconds(source.start_s(), at + "start_s'"); !start)
      return bad(name, start.error().message);
    if (!(source.simulator().speed() >= 0 && source.simulator().speed() <= 1000))
      return bad(name, at + "simulator.speed' must lie in 0 to 1000; 1 is real time");
  }
  for (const std::string& scope : config.consent())
    if (auto known = scope_from(scope); !known) return bad(name, known.error().message);
  if (config.frame_max_ms() > 60'000)
    return bad(name, "'frame_max_ms' is above 60000; 150 is usual");
  if (config.has_kafka()) CASEBOX_CHECK(check_kafka(config.kafka(), name));
  return ok();
}

Result<void> check(const v1::ApplianceConfig& config, const std::string& name) {
  CASEBOX_CHECK(check(config.recorder(), name + ": recorder"));
  if (auto cases = recorder::check_cases(config.cases()); !cases)
    return bad(name, cases.error().message);
  if (config.cases().control().size() > kLongestSocket)
    return bad(name,
               "'cases.control' is longer than a socket's path may be (107 bytes); write a "
               "shorter one, such as /run/casebox/control");
  for (int i = 0; i < config.recorder().sources_size(); ++i)
    if (config.recorder().sources(i).as_fast_as_possible() ||
        (config.recorder().sources(i).type() == "simulator" &&
         config.recorder().sources(i).simulator().speed() != 1))
      return bad(name, "'recorder.sources[" + std::to_string(i) +
                           "]': an appliance records in real time; leave as_fast_as_possible out, "
                           "and write simulator.speed: 1");
  if (config.health().port() > 65535)
    return bad(name, "'health.port' is above 65535; write a free port, or 0 for none");
  return ok();
}

Result<void> check(const v1::IngestConfig& config, const std::string& name) {
  if (config.store_dir().empty())
    return bad(name, "'store_dir' is missing; write the folder of the store");
  if (config.has_kafka()) CASEBOX_CHECK(check_kafka(config.kafka(), name));
  if (!config.has_kafka() && config.log_dirs().empty())
    return bad(name, "nothing to read; write 'log_dirs' or 'kafka'");
  return ok();
}

Result<void> check(const v1::ServeConfig& config, const std::string& name) {
  if (config.store_dir().empty())
    return bad(name, "'store_dir' is missing; write the folder of the store");
  if (!is_loopback(config.address()))
    return bad(name, "'address' is " + config.address() +
                         "; write 127.0.0.1: other addresses are refused until there is a login");
  if (config.port() > 65535) return bad(name, "'port' is above 65535; write a free port");
  if (config.has_kafka()) CASEBOX_CHECK(check_kafka(config.kafka(), name));
  return ok();
}

Result<std::string> example_config(const std::string& kind) {
  if (kind == "recorder")
    return std::string(
        R"(# What one room records. `casebox config check FILE` reads it without recording.
room: or-1
room_slot: 0                 # partition = room_slot % partitions
procedure: lap-cholecystectomy
spool_dir: /var/lib/casebox/spool
keystore_dir: /var/lib/casebox/store/keys
frame_max_ms: 150            # a frame closes after this, at the latest
sync_max_ms: 100             # and is on disk after this
queue_items: 4096            # per source; what does not fit becomes a declared gap
consent: [record, quality]
sources:
  - name: scope
    type: media              # media, vital, csv, phases, instruments, lines, simulator
    url: /dev/video0
    stream_class: C          # A is kept to the last, C goes first under pressure
    record_audio: false
  - name: monitor
    type: vital
    url: /srv/vital/or-1.vital
# kafka:                     # leave out to use log folders
#   brokers: 127.0.0.1:9092
#   partitions: 1
)");
  if (kind == "appliance")
    return std::string(
        R"(# A recorder that stands in a room: `casebox record --appliance --config FILE`.
recorder:                    # as in `casebox config defaults recorder`
  room: or-1
  room_slot: 0
  procedure: lap-cholecystectomy
  spool_dir: /var/lib/casebox/spool
  keystore_dir: /var/lib/casebox/kit
  consent: [record, quality]
  sources:
    - name: scope
      type: media
      url: rtsp://127.0.0.1:8554/scope
    - name: insufflator
      type: lines            # JSON lines on a socket of this machine (docs/sources/lines.md)
      url: tcp://127.0.0.1:7301
  # kafka:                   # given: the recorder forwards its own spool
  #   brokers: 127.0.0.1:9092
  #   partitions: 1
  #   tls: {ca_file: /etc/casebox/broker-ca.pem}
  #   sasl: {username: or-1, password_file: /etc/casebox/broker-password}
cases:
  begin:                     # any of these begins a case
    - all:
        - {stream: insufflator.state, channel: PRESSURE, above: 5}
      for_s: 20
  end:                       # any of these ends it, once it has been false in that case
    - all:
        - {stream: insufflator.state, channel: PRESSURE, below: 2}
      for_s: 600
  ring_s: 120                # kept from before a case begins
  ring_mb: 256               # and no more than that
  resume_within_s: 3600      # a case that was cut off goes on within that
  # control: /run/casebox/control
  # button: /run/casebox/button
health:
  port: 8430                 # http://127.0.0.1:8430/ for the wall; /healthz /state /metrics
  # state_file: /run/casebox/state
)");
  if (kind == "ingest")
    return std::string(R"(# What fills one store.
store_dir: /var/lib/casebox/store
log_dirs: [/var/lib/casebox/spool]
partition: 0
# analyze: true              # run the jobs of cases as they close
# kafka:                     # instead of log_dirs
#   brokers: 127.0.0.1:9092
#   partitions: 1
#   group: casebox-store
#   topic_prefix: casebox
#   tls: {ca_file: /etc/casebox/broker-ca.pem}
#   sasl: {username: store, password_file: /etc/casebox/broker-password}
)");
  if (kind == "serve")
    return std::string(R"(# The review page and its API, on this machine only.
store_dir: /var/lib/casebox/store
address: 127.0.0.1
port: 8420
log_dirs: [/var/lib/casebox/spool]
)");
  return Error{
      Code::kInvalidArgument,
      "config: kind '" + kind + "' is unknown; write recorder, appliance, ingest or serve"};
}

}  // namespace casebox::tools
