#include "tools/documents/case_document.h"

#include <algorithm>
#include <map>

#include "analytics/facts/case_parts.h"
#include "analytics/facts/streams.h"
#include "proto/frame/role.h"
#include "tools/cli/names.h"
#include "tools/cli/progress.h"
#include "tools/documents/parts.h"
#include "tools/store/channel_digest.h"
#include "tools/store/quarantined.h"

namespace casebox::tools {
namespace {

using analytics::facts::stream_facts;
using analytics::facts::StreamFact;

double rate_of(const v1::Stream& stream, const v1::Channel& channel) {
  const v1::Rational& rate = stream.tick_rate_hz();
  if (rate.num() == 0 || rate.den() == 0) return 0;
  return static_cast<double>(rate.num()) / static_cast<double>(rate.den()) *
         std::max(1u, channel.samples_per_tick());
}

Json null_or(double rate) { return rate > 0 ? Json(rate) : Json(nullptr); }

/// Digest, count and extent, from which a reader of the source sees that all of it is here.
void put_digest(Json& into, const ChannelDigest& digest) {
  const bool any = digest.first <= digest.last;
  into["count"] = digest.count;
  into["digest"] = to_hex(digest.sha256);
  into["first_t_s"] = any ? Json(digest.first.seconds()) : Json(nullptr);
  into["last_t_s"] = any ? Json(digest.last.seconds()) : Json(nullptr);
}

/// Digests of a stream of a class that this reader may not read stay null, and it is named.
Result<Json> stream_json(const StreamFact& sum, const storage::CaseReader* reader,
                         Json* not_open = nullptr) {
  Json out;
  out["stream_id"] = sum.stream.stream_id();
  out["name"] = sum.stream.name();
  out["kind"] = name_of(sum.stream.kind());
  out["device"] = sum.stream.device();
  out["derived"] = sum.derived;
  out["items"] = sum.items;
  out["missing"] = sum.missing;
  out["gap_frames"] = sum.gap_frames;
  out["unknown_gaps"] = sum.unknown_gaps;
  out["first_t_s"] = or_null(sum.first_t_s);
  out["last_t_s"] = or_null(sum.last_t_s);
  out["bytes_stored"] = sum.bytes;
  out["frames"] = sum.frames;
  out["clock_id"] = sum.stream.clock_id();
  if (sum.stream.by_policy_absent()) out["absent_by_policy"] = sum.stream.policy_reason();
  if (sum.stream.has_media()) {
    const v1::MediaFormat& media = sum.stream.media();
    out["media"] = {{"codec", media.codec()},
                    {"codec_string", media.codec_string()},
                    {"width", media.width()},
                    {"height", media.height()}};
  }
  bool closed = false;
  out["channels"] = Json::array();
  for (const v1::Channel& channel : sum.stream.channels()) {
    Json one;
    one["name"] = channel.name();
    one["unit"] = channel.unit();
    one["rate_hz"] = null_or(rate_of(sum.stream, channel));
    one["count"] = sum.items * std::max(1u, channel.samples_per_tick());
    one["digest"] = nullptr;
    if (reader != nullptr && !sum.derived) {
      const auto digest = channel_digest(*reader, sum.stream, channel);
      if (!digest && (not_open == nullptr || digest.error().code != Code::kRefused))
        return digest.error();
      if (digest) {
        put_digest(one, *digest);
      } else {
        closed = true;
      }
    }
    out["channels"].push_back(std::move(one));
  }
  if (sum.stream.channels().empty() && reader != nullptr && !sum.derived) {
    const auto digest = stream_digest(*reader, sum.stream);
    if (!digest && (not_open == nullptr || digest.error().code != Code::kRefused))
      return digest.error();
    Json one = {{"name", sum.stream.name()}, {"unit", nullptr}, {"rate_hz", nullptr}};
    if (digest) {
      put_digest(one, *digest);
      out["channels"].push_back(std::move(one));
    } else {
      closed = true;
    }
  }
  if (closed) not_open->push_back(sum.stream.name());
  return out;
}

Json gap_json(const query::GapFact& gap) {
  return {{"stream", gap.stream},
          {"reason", gap.reason},
          {"first_number", std::to_string(gap.source.first_number())},
          {"last_number", std::to_string(gap.source.last_number())},
          {"count", gap.missing ? Json(*gap.missing) : Json(nullptr)},
          {"t0_s", gap.t0_s},
          {"t1_s", gap.t1_s},
          {"origin", gap.origin}};
}

Json clock_json(const query::ClockFact& clock) {
  return {{"clock_id", clock.clock_id},
          {"t_s", clock.t_s},
          {"offset_s", clock.offset_s},
          {"rate_ppm", or_null(clock.rate_ppm)},
          {"u95_s", or_null(clock.u95_s)},
          {"broken", clock.broken},
          {"sets", clock.sets}};
}

/// Why the newest recording of it came to its end, as its close frame signed it; null if it has
/// none, or one of a program that did not say.
Json ended_json(const v1::CaseRecord& record) {
  Json out = nullptr;
  for (const v1::EpochRecord& epoch : record.epochs()) {
    if (!frame::owns_case(epoch.role())) continue;
    const v1::CloseFrame& close = epoch.close();
    out = nullptr;
    if (!epoch.closed()) continue;
    if (close.reason() == v1::CloseFrame::REASON_RECOVERED) {
      out = "recovered";
    } else if (close.cause() == v1::CloseFrame::CAUSE_SOURCES_ENDED) {
      out = "sources-ended";
    } else if (close.cause() == v1::CloseFrame::CAUSE_STOPPED) {
      out = "stopped";
    } else if (close.cause() == v1::CloseFrame::CAUSE_SOURCE_LOST) {
      out = "source-lost";
    }
  }
  return out;
}

Json provenance_json(const v1::CaseRecord& record) {
  Json out = Json::array();
  for (const v1::EpochRecord& epoch : record.epochs())
    out.push_back({{"epoch", to_string(Epoch{epoch.epoch()})},
                   {"role", name_of(epoch.role())},
                   {"producer_id", to_hex(epoch.producer_id())},
                   {"signing_key", to_hex(epoch.signing_key())},
                   {"closed", epoch.closed()}});
  return out;
}

uint64_t count_events(const std::vector<StreamFact>& sums) {
  uint64_t n = 0;
  for (const StreamFact& sum : sums)
    if (sum.stream.kind() >= v1::STREAM_KIND_DEVICE && !sum.derived) n += sum.items;
  return n;
}

}  // namespace

Result<Json> case_header_json(const v1::CaseRecord& record,
                              const std::optional<KeptVerdict>& verdict) {
  CASEBOX_TRY(const query::CaseFacts facts, query::header_facts(record));
  Json out;
  out["case_id"] = to_string(facts.id);
  out["procedure"] = facts.procedure;
  out["room"] = facts.room;
  const bool dated = record.start_utc_ns() != 0;
  const int64_t begin = static_cast<int64_t>(record.start_utc_ns());
  out["start"] = dated ? Json(rfc3339(UtcTime{begin})) : Json(nullptr);
  out["end"] =
      dated ? Json(rfc3339(UtcTime{begin + analytics::facts::end_of(record)})) : Json(nullptr);
  if (dated) {
    const auto bound = analytics::wall_bound_s(record.start_utc_u95_ns());
    out["u95_s"] = bound ? Json(*bound) : Json(nullptr);
  }
  out["duration_s"] = facts.duration_s;
  out["state"] = facts.state;
  uint64_t streams = 0;
  for (const StreamFact& sum : stream_facts(record)) streams += sum.derived ? 0 : 1;
  out["streams"] = streams;
  out["gaps"] = facts.gap_frames;
  out["verdict"] = verdict ? Json(verify::to_string(verdict->verdict)) : Json(nullptr);
  out["verdict_at"] = verdict ? Json(rfc3339(verdict->at)) : Json(nullptr);
  return out;
}

namespace {

/// What stands in the frames: streams with their digests, phases, departures.
Result<void> put_content(Json& out, const storage::CaseReader& reader, bool digests) {
  CASEBOX_TRY(const query::CaseFacts facts, query::read_facts(reader));
  out["sealed"] = facts.sealed;
  const std::vector<StreamFact> sums = stream_facts(reader.record());
  out["streams"] = Json::array();
  out["not_open"] = Json::array();
  Progress progress("read streams", sums.size(), "streams");
  for (const StreamFact& sum : sums) {
    CASEBOX_TRY(Json one,
                stream_json(sum, digests && !facts.sealed ? &reader : nullptr, &out["not_open"]));
    out["streams"].push_back(std::move(one));
    progress.update(out["streams"].size());
  }
  out["phases"] = Json::array();
  for (const query::PhaseFact& phase : facts.phases) out["phases"].push_back(phase_json(phase));
  out["phase_source"] = facts.phase_source;
  out["timing_withheld"] = facts.withheld;
  out["events"] = count_events(sums);
  out["departures"] = Json::array();
  for (const query::DepartureFact& fact : facts.departures)
    out["departures"].push_back(departure_json(fact));
  return ok();
}

}  // namespace

Result<Json> case_full_json(StoreAccess& access, CaseId id, bool digests, bool every_byte) {
  std::optional<verify::Report> whole;
  if (every_byte) {
    CASEBOX_TRY(whole, access.verify(id, storage::Depth::kBytes));
    access.keep_whole(*whole);
  }
  // What is shown comes from what was proven, not from the store's own row.
  CASEBOX_TRY(auto reader, access.read_case(id, keyring::Purpose::kView));
  const v1::CaseRecord& record = reader->record();
  verify::Report report = whole ? *whole : reader->report();
  CASEBOX_TRY(Json out,
              case_header_json(record, KeptVerdict{report.verdict, access.clock().utc()}));
  out["problems"] = Json::array();
  out["unproven_shown"] = false;
  const auto readable = reader->readable();
  out["refused"] = !readable && readable.error().code == Code::kRefused;
  out["alias"] = out["refused"] ? "" : access.alias_of(id);
  out["case_digest"] = to_hex(report.case_digest);
  CASEBOX_TRY(out["quarantined"], quarantined_of(access.store(), id));
  out["ended"] = ended_json(record);
  out["sealed_reason"] = readable ? Json(nullptr) : Json(readable.error().message);
  auto content = put_content(out, *reader, digests);
  // A frame that does not hold when it is read ends the reading, not the telling: from then on the
  // reader gives no content of this case, and the case is told without.
  if (!content && content.error().code == Code::kCorrupt &&
      !verify::may_be_shown(reader->verdict()))
    content = put_content(out, *reader, digests);
  CASEBOX_CHECK(content);
  CASEBOX_TRY(const auto gaps, analytics::facts::read_gaps(*reader));
  out["gaps"] = Json::array();
  for (const query::GapFact& gap : gaps) out["gaps"].push_back(gap_json(gap));
  CASEBOX_TRY(const auto clocks, analytics::facts::read_clocks(*reader));
  out["clocks"] = Json::array();
  for (const query::ClockFact& clock : clocks) out["clocks"].push_back(clock_json(clock));
  out["provenance"] = provenance_json(record);
  // All is read: what did not hold meanwhile counts.
  if (reader->verdict() > report.verdict) report = reader->report();
  out["verdict"] = verify::to_string(report.verdict);
  for (const verify::Problem& problem : report.problems)
    out["problems"].push_back(
        {{"kind", problem.kind}, {"where", problem.where}, {"detail", problem.detail}});
  out["unproven_shown"] =
      access.options().show_unproven && !verify::may_be_shown(reader->verdict());
  return out;
}

Result<Json> imported_case_json(StoreAccess& access, const v1::CaseRecord& record) {
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
  CASEBOX_TRY(const auto reader, access.read_case(id, keyring::Purpose::kIndex));
  Json out;
  out["case_id"] = to_string(id);
  out["streams"] = Json::array();
  for (const StreamFact& sum : stream_facts(reader->record())) {
    if (sum.derived) continue;
    CASEBOX_TRY(Json one, stream_json(sum, reader.get()));
    one["gaps"] = sum.gap_frames;
    out["streams"].push_back(std::move(one));
  }
  return out;
}

}  // namespace casebox::tools
