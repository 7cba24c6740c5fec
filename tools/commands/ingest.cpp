#include "ingest/ingest.h"

#include <algorithm>
#include <cstdio>
#include <thread>

#include "casebox/v1/config.pb.h"
#include "ingest/bus/kafka_subscriber.h"
#include "ingest/bus/kafka_topics.h"
#include "ingest/bus/log_bus.h"
#include "tools/cli/json.h"
#include "tools/cli/kafka_args.h"
#include "tools/cli/progress.h"
#include "tools/cli/stop_signal.h"
#include "tools/commands/commands.h"
#include "tools/config/config.h"
#include "tools/findings/close_jobs.h"
#include "tools/room/health.h"
#include "tools/store/bus_watch.h"
#include "tools/store/kept_verdicts.h"
#include "tools/store/quarantined.h"
#include "tools/store/resume.h"
#include "tools/store/store_access.h"
#include "tools/store/trust_watch.h"

namespace casebox::tools {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostLosses = 100;  // of what is in quarantine

/// Where frames come from and go to, whichever way it was said.
struct Plan {
  fs::path store;
  fs::path keys;
  std::vector<fs::path> logs;
  bus::KafkaOptions kafka;  // brokers empty: logs
  std::vector<uint32_t> partitions;
  uint32_t shards = 1;
  bool analyze = false;
};

// Nothing came for so long: logs and bus were read to their end.
constexpr Duration kCaughtUp = seconds(5);

/// The log folders of a store's own producers.
std::vector<fs::path> logs_below(const fs::path& dir) {
  std::vector<fs::path> logs;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(dir, ec))
    if (entry.is_directory()) logs.push_back(entry.path());
  std::sort(logs.begin(), logs.end());
  return logs;
}

void all_partitions(uint32_t count, Plan& plan) {
  plan.shards = count;
  for (uint32_t i = 0; i < count; ++i) plan.partitions.push_back(i);
}

Result<void> from_config(const Args& args, Plan& plan) {
  CASEBOX_TRY(const auto config, load_ingest_config(args.text("--config")));
  plan.store = config.store_dir();
  for (const auto& dir : config.log_dirs()) plan.logs.push_back(dir);
  plan.analyze = config.analyze();
  if (!config.has_kafka()) return ok();
  CASEBOX_TRY(plan.kafka, kafka_options(config.kafka()));
  CASEBOX_TRY(const auto given, kafka_options(args));
  for (const auto& [name, value] : given.properties) plan.kafka.properties[name] = value;
  all_partitions(std::max(1u, config.kafka().partitions()), plan);
  if (config.partition() != 0) plan.partitions = {config.partition()};
  return ok();
}

Result<Plan> make_plan(const Args& args) {
  Plan plan;
  if (args.has("--config")) CASEBOX_CHECK(from_config(args, plan));
  if (args.flag("--analyze")) plan.analyze = true;
  if (args.has("--store")) plan.store = args.text("--store");
  if (plan.store.empty())
    return Error{Code::kInvalidArgument,
                 "ingest: no store; give --store or a --config that names it"};
  plan.keys = args.text("--keys");
  for (const std::string& dir : args.list("--logs")) plan.logs.push_back(dir);
  if (args.has("--kafka")) {
    CASEBOX_TRY(plan.kafka, kafka_options(args));
    plan.partitions.clear();
    CASEBOX_TRY(
        const uint32_t count,
        bus::partition_count(plan.kafka, bus::topic_of(plan.kafka.topic_prefix, bus::Lane::kEvent),
                             seconds(30)));
    all_partitions(count, plan);
  }
  if (!args.list("--partition").empty()) {
    plan.partitions.clear();
    for (const std::string& text : args.list("--partition")) {
      Args one;
      one.values["n"] = {text};
      plan.partitions.push_back(static_cast<uint32_t>(one.integer("n")));
    }
  }
  if (!plan.kafka.brokers.empty() && !plan.logs.empty())
    return Error{Code::kInvalidArgument,
                 "ingest: both Kafka and logs; run one ingest for each store"};
  if (plan.kafka.brokers.empty() && plan.logs.empty()) plan.logs = logs_below(plan.store / "logs");
  if (plan.kafka.brokers.empty() && plan.logs.empty())
    return Error{Code::kInvalidArgument, "ingest: nothing to read; give --logs or --kafka"};
  // What the jobs find comes back the way everything comes. With a broker, `forward` sends it
  // round.
  const fs::path analysis = plan.store / "logs" / "analysis";
  const auto same = [&](const fs::path& dir) {
    return fs::absolute(dir).lexically_normal() == fs::absolute(analysis).lexically_normal();
  };
  if (plan.analyze && plan.kafka.brokers.empty() && std::ranges::none_of(plan.logs, same))
    plan.logs.push_back(analysis);
  return plan;
}

Result<std::unique_ptr<bus::Subscriber>> subscriber_of(const Plan& plan) {
  if (plan.kafka.brokers.empty()) {
    CASEBOX_TRY(auto logs, bus::LogSubscriber::open(plan.logs));
    return std::unique_ptr<bus::Subscriber>(std::move(logs));
  }
  CASEBOX_TRY(auto kafka, bus::KafkaSubscriber::create(plan.kafka, plan.partitions));
  return std::unique_ptr<bus::Subscriber>(std::move(kafka));
}

std::vector<std::string> kafka_sources(const Plan& plan) {
  std::vector<std::string> out;
  for (const bus::Lane lane : plan.kafka.lanes)
    for (const uint32_t partition : plan.partitions)
      out.push_back(bus::topic_of(plan.kafka.topic_prefix, lane) + "/" + std::to_string(partition));
  return out;
}

/// What --resume-at may name.
Result<std::vector<ResumeSource>> sources_of(const Plan& plan) {
  std::vector<ResumeSource> out;
  for (const fs::path& dir : plan.logs) {
    auto name = bus::LogSubscriber::source_of(dir);
    if (!name && name.error().code == Code::kNotFound) continue;  // no log in it yet
    if (!name) return std::move(name).error();
    out.push_back(
        {*name,
         [dir]() -> Result<bus::HeldOffsets> {
           CASEBOX_TRY(const auto files, log::files(dir));
           CASEBOX_TRY(const auto end, log::durable_offset(dir));
           const uint32_t first = files.empty() ? 0 : log::file_index(files.front()).value_or(0);
           return bus::HeldOffsets{log::Offset{first, 0}.packed(), end ? end->packed() : 0};
         },
         false});
  }
  if (plan.kafka.brokers.empty()) return out;
  for (const bus::Lane lane : plan.kafka.lanes)
    for (const uint32_t partition : plan.partitions) {
      const std::string topic = bus::topic_of(plan.kafka.topic_prefix, lane);
      out.push_back({topic + "/" + std::to_string(partition),
                     [topic, partition, &plan] {
                       return bus::held_offsets(plan.kafka, topic, partition, seconds(30));
                     },
                     true});
    }
  return out;
}

/// Sets what --resume-at says, before anything is read.
Result<std::vector<Resumed>> resume(const Args& args, const Plan& plan, storage::Store& store) {
  std::vector<ResumeAt> places;
  for (const std::string& text : args.list("--resume-at")) {
    CASEBOX_TRY(places.emplace_back(), parse_resume_at(text));
  }
  if (places.empty()) return std::vector<Resumed>();
  CASEBOX_TRY(const auto sources, sources_of(plan));
  CASEBOX_TRY(auto set,
              set_resume(store, places, sources, args.flag("--force"), SystemClock().utc()));
  for (const Resumed& one : set)
    std::fprintf(stderr, "casebox: %s: goes on at %llu%s\n", one.source.c_str(),
                 static_cast<unsigned long long>(one.at),
                 one.skips ? "; WHAT LIES BEFORE IS SKIPPED: it is in no case, and what was signed "
                             "of it makes its case DAMAGED"
                           : "");
  return set;
}

Json resumed_json(const std::vector<Resumed>& resumed) {
  Json out = Json::array();
  for (const Resumed& one : resumed)
    out.push_back({{"source", one.source},
                   {"before", one.before ? Json(std::to_string(*one.before)) : Json(nullptr)},
                   {"at", std::to_string(one.at)},
                   {"skips", one.skips}});
  return out;
}

/// The findings of a first run must not end in quarantine.
Result<void> check_analysis(StoreAccess& access) {
  if (access.keystore() == nullptr) return ok();  // the jobs say so
  CASEBOX_TRY(const auto key, access.keystore()->signing_key("analysis"));
  CASEBOX_TRY(const LoadedTrust trusted, access.trust());
  const v1::TrustedProducer* listed = trusted.list.find(view(key.public_key()));
  if (listed != nullptr && listed->role() == v1::PRODUCER_ROLE_ANALYSIS) return ok();
  return Error{Code::kInvalidArgument,
               trust_file(access).string() +
                   ": the key that signs this store's findings is not on the trust list, so all of "
                   "them would go to quarantine; write the list anew with `casebox keys trust`, "
                   "enrol the key there, or leave out --analyze"};
}

/// Whom a new list lets in is taken in, out of the quarantine too.
/// `said`: even if that is nobody.
Result<void> enrol(ingest::Ingest& loop, StoreAccess& access, const trust::TrustList& list,
                   bool said) {
  CASEBOX_TRY(const auto report, loop.enrol(list));
  uint64_t taken = 0;
  for (const auto& [code, line] : report.reasons) taken += line.taken_in;
  if (taken > 0 || said)
    std::fprintf(stderr,
                 "casebox: the trust list changed (number %llu): %llu frames taken in from "
                 "quarantine\n",
                 static_cast<unsigned long long>(list.message().serial()),
                 static_cast<unsigned long long>(taken));
  if (taken > 0) {
    CASEBOX_TRY(const auto counts, quarantine_counts(access.store()));
    for (const storage::QuarantineCount& count : counts)
      if (count.beyond > 0 && report.reasons.count(count.reason) > 0)
        std::fprintf(stderr,
                     "casebox: %s: %llu more frames (%s) were not kept; stop, and start once with "
                     "--resume-at %s=%llu to read them again\n",
                     count.source.c_str(), static_cast<unsigned long long>(count.beyond),
                     count.reason.c_str(), count.source.c_str(),
                     static_cast<unsigned long long>(count.first_beyond));
  }
  return keep_trust_list(access, list);
}

/// Looks for another trust list, and goes by it. Troubles are said once and tried again.
class Enrolments {
 public:
  explicit Enrolments(const StoreAccess& access) : watch_(access) {}

  Result<void> look(ingest::Ingest& loop, StoreAccess& access) {
    const auto changed = watch_.changed();
    auto done = changed ? ok() : Result<void>(changed.error());
    if (changed && *changed) done = enrol(loop, access, (*changed)->list, true);
    if (done) {
      if (changed && *changed) said_.clear();
      return ok();
    }
    watch_.again();
    if (changed && done.error().code != Code::kUnavailable && done.error().code != Code::kNoSpace)
      return done;
    if (said_ != done.error().message)
      std::fprintf(stderr, "casebox: %s; the trust list before stays in force\n",
                   done.error().message.c_str());
    said_ = done.error().message;
    return ok();
  }

 private:
  TrustWatch watch_;
  std::string said_;
};

/// Of the operations of which something was stored.
Result<Json> cases_json(const storage::Store& store, const std::vector<CaseId>& touched) {
  Json out = Json::array();
  for (const CaseId id : touched) {
    CASEBOX_TRY(const auto found, store.find_case(id));
    if (!found || !storage::is_operation(*found)) continue;
    const v1::CaseRecord& record = *found;
    CASEBOX_TRY(const Digest digest, store.case_digest(id));
    CASEBOX_TRY(const uint64_t quarantined, quarantined_of(store, id));
    uint64_t items = 0, missing = 0, gaps = 0;
    for (const v1::StreamRecord& stream : record.streams()) {
      items += stream.items();
      missing += stream.missing();
      gaps += stream.gap_frames();
    }
    out.push_back({{"case_id", to_string(id)},
                   {"case_digest", to_hex(digest)},
                   {"closed", record.state() == v1::CASE_STATE_CLOSED},
                   {"frames", record.frames()},
                   {"items", items},
                   {"missing", missing},
                   {"gap_frames", gaps},
                   {"quarantined", quarantined}});
  }
  return out;
}

/// Runs until told to stop or idle. Troubles that pass are said once and waited out.
Result<void> run_loop(ingest::Ingest& loop, StoreAccess& access, BusWatch& sources, CloseJobs* jobs,
                      Enrolments& enrolments, const Args& args) {
  Clock& clock = access.clock();
  const bool until_idle = args.has("--until-idle");
  CASEBOX_TRY(const Duration idle, args.seconds("--until-idle"));
  StopSignal signal;
  Progress progress("ingesting", 0, "frames");
  MonoTime last = clock.mono();
  bool said = false, refilled = false;
  while (!signal.stopped()) {
    CASEBOX_CHECK(enrolments.look(loop, access));
    sources.say();
    auto handled = loop.run_once(milliseconds(100));
    if (!handled) {
      const Code code = handled.error().code;
      if (code != Code::kUnavailable && code != Code::kNoSpace) return std::move(handled).error();
      if (until_idle && clock.mono() - last > idle + seconds(30)) return std::move(handled).error();
      if (!said) std::fprintf(stderr, "casebox: %s; waiting\n", handled.error().message.c_str());
      said = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    const std::vector<CaseId> closed = loop.take_closed();
    CASEBOX_CHECK(keep_verdicts(access, closed));
    if (jobs != nullptr)
      for (CaseId id : closed) jobs->add(id);
    if (*handled > 0 || (jobs != nullptr && jobs->busy())) {
      last = clock.mono();
      said = false;
    } else if (const Duration quiet = clock.mono() - last; until_idle && quiet > idle) {
      CASEBOX_CHECK(loop.commit());
      sources.say();
      CASEBOX_CHECK(sources.all_came());
      return sources.caught_up(access.store());
    } else if (!refilled && quiet > kCaughtUp) {
      CASEBOX_CHECK(sources.caught_up(access.store()));
      refilled = true;
    }
    progress.update(loop.progress().frames);
  }
  return loop.commit();
}

Result<int> run_ingest(const Args& args) {
  CASEBOX_TRY(const Plan plan, make_plan(args));
  SystemClock clock;
  StoreOptions how;
  how.store = plan.store;
  how.keys = plan.keys;
  how.write = how.create = true;
  how.create_keys = false;  // what is stored and counted needs no key
  how.shards = plan.shards;
  how.subject = "casebox ingest";
  how.trust = TrustOptions::from(args);
  CASEBOX_TRY(auto access, StoreAccess::open(how));
  storage::Store* store = &access->store();
  CASEBOX_TRY(auto subscriber, subscriber_of(plan));
  // What the jobs say is taken from their first word on.
  if (plan.analyze) CASEBOX_CHECK(check_analysis(*access));
  Enrolments enrolments(*access);
  CASEBOX_TRY(const LoadedTrust trusted, access->trust());
  CASEBOX_TRY(const auto resumed, resume(args, plan, *store));
  CASEBOX_TRY(auto loop, ingest::Ingest::open(*subscriber, *store, trusted.list, clock));
  std::unique_ptr<CloseJobs> jobs;
  if (plan.analyze) {
    // From now on a forwarder can be set on it, before anything was found.
    std::error_code ec;
    fs::create_directories(access->log_dir("analysis"), ec);
    if (ec)
      return Error{Code::kIo, access->log_dir("analysis").string() + ": " + ec.message() +
                                  "; check the folder's rights"};
    CASEBOX_TRY(jobs, CloseJobs::start(*access));
  }
  const MonoTime begin = clock.mono();
  CASEBOX_TRY(const bool changed, trust_changed(*access));
  if (changed) CASEBOX_CHECK(enrol(*loop, *access, trusted.list, false));
  BusWatch reading(*subscriber, kafka_sources(plan), {plan.store / "logs" / "analysis"});
  notify_service_manager("READY=1");
  CASEBOX_CHECK(run_loop(*loop, *access, reading, jobs.get(), enrolments, args));
  notify_service_manager("STOPPING=1");
  CASEBOX_CHECK(keep_verdicts(*access, loop->touched()));  // of what was derived meanwhile, too
  if (jobs) jobs->stop();
  const double took = (clock.mono() - begin).seconds();

  const ingest::Progress& done = loop->progress();
  // A broker brings what strangers send; a log is one producer's, and damage to it is a loss.
  const bool damaged = plan.kafka.brokers.empty() && done.reasons.count("not-a-frame") > 0;
  const int status = damaged ? 3 : 0;
  if (damaged)
    std::fprintf(stderr,
                 "casebox: bytes of a log are no frames (casebox quarantine); `casebox "
                 "verify` of the log names the place\n");
  if (!args.json()) {
    std::fprintf(stderr, "stored %llu frames, knew %llu already, quarantined %llu\n",
                 static_cast<unsigned long long>(done.frames),
                 static_cast<unsigned long long>(done.duplicates),
                 static_cast<unsigned long long>(done.quarantined));
    return status;
  }
  Json json = document("ingest");
  json["store_path"] = fs::absolute(plan.store).lexically_normal().string();
  json["frames"] = done.frames;
  json["bytes"] = done.bytes;
  json["duplicates"] = done.duplicates;
  json["quarantined"] = done.quarantined;
  json["equivocations"] = done.equivocations;
  json["commits"] = done.commits;
  json["analysed"] = jobs ? Json(jobs->state().analysed) : Json(nullptr);
  json["failed"] = jobs ? Json(jobs->state().failed) : Json(nullptr);
  json["seconds"] = took;
  CASEBOX_TRY(json["cases"], cases_json(*store, loop->touched()));
  json["resumed"] = resumed_json(resumed);
  json["requeued"] = done.requeued;
  json["mended"] = done.mended;
  json["quarantine_reasons"] = Json::array();
  for (const auto& [code, count] : done.reasons)
    json["quarantine_reasons"].push_back({{"reason", code}, {"count", count}});
  uint64_t rows = 0;
  json["quarantine"] = Json::array();
  for (uint32_t i = 0; i < store->shards(); ++i) {
    CASEBOX_TRY(const auto counts, store->shard(i).quarantine_counts());
    for (const storage::QuarantineCount& count : counts) rows += count.rows;
    storage::QuarantineQuery query;
    query.max_rows = kMostLosses;
    CASEBOX_TRY(const auto page, store->shard(i).quarantine(query));
    for (const storage::Quarantined& item : page.items)
      if (json["quarantine"].size() < kMostLosses)
        json["quarantine"].push_back({{"source", item.source},
                                      {"offset", std::to_string(item.offset)},
                                      {"reason", item.reason},
                                      {"bytes", item.bytes.size()}});
  }
  json["quarantine_more"] = rows - std::min<uint64_t>(rows, json["quarantine"].size());
  print(json);
  return status;
}

}  // namespace

const Command kIngestCommand{
    "ingest", "Store what comes over the bus: log folders or Kafka",
    with_kafka_args(
        false,
        with_trust_args(
            {{"--config", ArgKind::kText, "Configuration file (casebox config defaults ingest)"},
             {"--store", ArgKind::kText, "Folder of the store; made if it is not there"},
             {"--keys", ArgKind::kText, "Folder of the keystore (default: <store>/keys)"},
             {"--logs", ArgKind::kList, "Log folders to read (default: those below <store>/logs)"},
             {"--partition", ArgKind::kList, "Kafka: only these partitions (default: all)"},
             {"--resume-at", ArgKind::kList,
              "SOURCE=OFFSET: read this source from here on, e.g. casebox.wave.v1/0=1200; "
              "`casebox quarantine` names sources and offsets"},
             {"--force", ArgKind::kFlag, "--resume-at may go forward: what it skips is in no case"},
             {"--analyze", ArgKind::kFlag, "Run the jobs of each case when it closes"},
             {"--until-idle", ArgKind::kNumber, "Stop when nothing came for so many s"}})),
    run_ingest,
    "Goes on where the store stands; killed at any moment it loses nothing and doubles nothing.\n"
    "With --analyze, cases that closed while nobody looked get their jobs too. Findings go to\n"
    "<store>/logs/analysis; with Kafka, `casebox forward <store>/logs/analysis` sends them to the\n"
    "broker, from which every node has them. Let one node of a partition analyse.\n"
    "What comes from nobody on the trust list (--trust, or the keystore's) goes to quarantine:\n"
    "`casebox quarantine` lists it. The list is looked at again when it changes, and what was\n"
    "refused by the one before is taken in then, if it may be.\n"
    "--resume-at: what the store has is known when it comes again, so going back costs time only.\n"
    "JSON: frames bytes duplicates quarantined requeued mended seconds cases[{case_id case_digest\n"
    "frames items missing gap_frames quarantined}] quarantine_reasons[{reason count}]\n"
    "quarantine[{source offset reason bytes}] quarantine_more"};

}  // namespace casebox::tools
