#include "proto/producer/recovery.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>

#include "proto/frame/role.h"
#include "proto/log/alive.h"
#include "proto/producer/internal/epoch_writer.h"
#include "proto/producer/producer.h"

namespace casebox::producer {
namespace {

/// Where case time zero lies on the machine's clock, after a clock record.
std::optional<MonoTime> zero_of(const frame::View& view) {
  v1::ClockRecord record;
  if (!record.ParseFromArray(view.body.data(), static_cast<int>(view.body.size())))
    return std::nullopt;
  return MonoTime{static_cast<int64_t>(record.mono_ns())} - (view.header.t - CaseTime{});
}

/// The last epoch of a log, as far as its frames tell.
struct LastEpoch {
  v1::CaseFrame open;
  CaseId case_id;
  ProducerId producer;
  v1::ProducerRole role = v1::PRODUCER_ROLE_UNSPECIFIED;
  Epoch epoch;
  bool closed = false;
  v1::CloseFrame close;
  std::optional<MonoTime> zero;  // of case time
  bool on_time = false;          // more than one clock record, and all say the same zero
  CaseTime lived;                // when the newest of its frames began
  CaseTime beat;                 // of its newest beat
  std::map<uint32_t, EpochWriter::Chain> chains;
  std::map<uint32_t, v1::Stream> streams;
  std::map<uint32_t, CaseTime> ends;

  Result<void> take(const log::Entry& entry);
  void take_positions(const v1::LogFileHeader& header);
  LastCase as_case() const;
  /// Whether a stream has frames of which none was seen.
  bool wants_ends() const {
    return std::ranges::any_of(chains, [&](const auto& chain) {
      return chain.second.next > 0 && streams.contains(chain.first) && !ends.contains(chain.first);
    });
  }
};

Result<void> LastEpoch::take(const log::Entry& entry) {
  const frame::Header& h = entry.frame.header;
  if (h.kind == frame::Kind::kDraft) return ok();
  if (h.kind == frame::Kind::kCase) {
    v1::CaseControl control;
    if (!control.ParseFromArray(entry.frame.body.data(), static_cast<int>(entry.frame.body.size())))
      return Error{Code::kCorrupt, "case frame of epoch " + to_string(h.epoch) + " does not parse"};
    if (control.has_open() && h.epoch != epoch) {
      chains.clear();
      streams.clear();
      ends.clear();
      open = control.open();
      epoch = h.epoch;
      case_id = entry.case_id;
      producer = entry.producer;
      role = entry.role;
      closed = false;
      close.Clear();
      zero.reset();
      on_time = false;
      lived = beat = h.t;
    }
    if (control.has_close() && h.epoch == epoch) {
      closed = true;
      close = control.close();
    }
  }
  if (h.epoch != epoch) return ok();
  if (h.kind == frame::Kind::kStream) {
    v1::Stream stream;
    if (stream.ParseFromArray(entry.frame.body.data(), static_cast<int>(entry.frame.body.size())))
      streams[stream.stream_id()] = stream;
  }
  if (h.kind == frame::Kind::kClock) {
    if (const auto says = zero_of(entry.frame)) {
      on_time = zero == says;
      zero = says;
    }
  }
  if (h.kind == frame::Kind::kBeat) beat = std::max(beat, h.t);
  lived = std::max(lived, h.t);  // what it holds may reach further
  if (entry.preamble) return ok();
  auto [at, added] = chains.try_emplace(h.stream.value);
  EpochWriter::Chain& chain = at->second;
  if (added) chain.head = frame::first_head(producer, case_id, h.stream, epoch);
  if (chain.next != h.first.value)
    return ok();  // verification speaks of it; recovery goes on behind
  chain.head = frame::next_head(chain.head, frame::leaf_hash(entry.frame));
  chain.next = h.next();
  if (h.kind == frame::Kind::kGap) ++chain.gap_frames;
  auto [end, fresh] = ends.try_emplace(h.stream.value, h.end());
  if (!fresh) end->second = std::max(end->second, h.end());
  return ok();
}

LastCase LastEpoch::as_case() const {
  LastCase out;
  out.open = open;
  out.epoch = epoch;
  out.reason = close.reason();
  out.end = closed ? CaseTime{close.end_t_ns()} : lived;
  out.zero = zero;
  for (const auto& [id, stream] : streams) out.streams.push_back(stream);
  return out;
}

void LastEpoch::take_positions(const v1::LogFileHeader& header) {
  for (const v1::EpochPositions& positions : header.epochs()) {
    if (positions.epoch() != epoch.value) continue;
    for (const v1::StreamPosition& position : positions.positions()) {
      EpochWriter::Chain& chain = chains[position.stream_id()];
      if (auto head = to_digest(position.head())) {
        chain.next = position.next_number();
        chain.head = *head;
        chain.gap_frames = position.gap_frames();
      }
    }
  }
}

/// The newest file that holds, or copies, the case frame of the log's last epoch: reading starts
/// there.
Result<size_t> file_of_opening(const std::vector<std::filesystem::path>& files,
                               const std::filesystem::path& dir,
                               std::vector<v1::LogFileHeader>& headers) {
  size_t start = 0;
  bool found = false;
  headers.resize(files.size());
  for (size_t i = files.size(); i-- > 0 && !found;) {
    uint32_t size = 0;
    auto header = log::read_file_header(files[i], &size);
    if (!header) continue;
    headers[i] = *header;
    found = header->preamble_frames() > 0;
    if (!found) {
      CASEBOX_TRY(auto reader,
                  log::Reader::open(dir, {static_cast<uint32_t>(header->file_index()), 0},
                                    {.below_durable_only = false}));
      CASEBOX_TRY(auto first, reader->next());
      found = first && first->offset.file == header->file_index() &&
              first->frame.header.kind == frame::Kind::kCase;
    }
    if (found) start = i;
  }
  return start;
}

/// Where streams ended, and case time began, that the files behind this one say nothing of.
Result<void> look_back(const std::filesystem::path& dir, const std::filesystem::path& file,
                       LastEpoch& last) {
  uint32_t size = 0;
  const auto header = log::read_file_header(file, &size);
  if (!header) return ok();
  const auto index = static_cast<uint32_t>(header->file_index());
  CASEBOX_TRY(auto reader, log::Reader::open(dir, {index, 0}, {.below_durable_only = false}));
  std::map<uint32_t, CaseTime> found;
  std::optional<MonoTime> zero;
  for (;;) {
    CASEBOX_TRY(const auto entry, reader->next());
    if (!entry || entry->offset.file != index) break;
    const frame::Header& h = entry->frame.header;
    if (entry->preamble || h.epoch != last.epoch || h.kind == frame::Kind::kDraft) continue;
    if (h.kind == frame::Kind::kClock) zero = zero_of(entry->frame);
    auto [end, fresh] = found.try_emplace(h.stream.value, h.end());
    if (!fresh) end->second = std::max(end->second, h.end());
  }
  if (!last.zero) last.zero = zero;
  for (const auto& [stream, end] : found) last.ends.try_emplace(stream, end);
  return ok();
}

Result<LastEpoch> read_last_epoch(const std::filesystem::path& dir) {
  CASEBOX_TRY(const auto files, log::files(dir));
  LastEpoch last;
  if (files.empty()) return last;
  std::vector<v1::LogFileHeader> headers;
  CASEBOX_TRY(const size_t start, file_of_opening(files, dir, headers));
  CASEBOX_TRY(auto reader,
              log::Reader::open(dir, {static_cast<uint32_t>(headers[start].file_index()), 0},
                                {.below_durable_only = false}));
  bool positions_due = headers[start].preamble_frames() > 0;
  for (;;) {
    CASEBOX_TRY(const auto entry, reader->next());
    if (positions_due && (!entry || !entry->preamble)) {
      last.take_positions(headers[start]);
      positions_due = false;
    }
    if (!entry) break;
    CASEBOX_CHECK(last.take(*entry));
  }
  // A stream that has been silent since an earlier file ended there. The file of an orderly stop
  // holds no clock record; the one before it does.
  for (size_t i = start; i-- > 0 && (last.wants_ends() || (i + 1 == start && !last.zero));)
    CASEBOX_CHECK(look_back(dir, files[i], last));
  return last;
}

/// How long an event may be under way to its recorder, or wait there for the one before it.
constexpr Duration kUnderWay = seconds(6);

/// Streams whose items follow one another; events come when they come.
bool is_continuous(v1::StreamKind kind) {
  return kind == v1::STREAM_KIND_WAVE || kind == v1::STREAM_KIND_NUMERIC ||
         kind == v1::STREAM_KIND_TWIN_SERIES || kind == v1::STREAM_KIND_VIDEO ||
         kind == v1::STREAM_KIND_AUDIO;
}

/// A stream that stands for a source which had delivered nothing: nobody had said what is in it.
bool stands_for_absent(const v1::Stream& stream, const EpochWriter::Chain& chain) {
  return is_continuous(stream.kind()) && stream.channels().empty() && !stream.has_media() &&
         chain.next == chain.gap_frames;
}

/// From when on items of a stream may be missing: the end of its last one. An event is written when
/// it comes, so of a stream of events none is missing from before the last beat but what was under
/// way then.
CaseTime lost_from(const LastEpoch& last, const v1::Stream& stream) {
  const auto found = last.ends.find(stream.stream_id());
  const CaseTime end = found == last.ends.end() ? CaseTime{} : found->second;
  const bool as_they_come =
      last.role == v1::PRODUCER_ROLE_RECORDER && !is_continuous(stream.kind());
  return as_they_come ? std::max(end, last.beat - kUnderWay) : end;
}

/// By when the epoch's recorder was dead; none if nothing tells. It is dead by now, too, which says
/// more where case time is the machine's own and the recorder comes back at once.
std::optional<CaseTime> death_of(const LastEpoch& last, const std::filesystem::path& dir,
                                 const std::array<uint8_t, 16>& boot, MonoTime mono,
                                 CaseTime& lived) {
  const auto mark = log::Alive::read(dir);
  if (!mark || mark->epoch != last.epoch) return std::nullopt;
  lived = std::max(lived, mark->at);
  if (boot == std::array<uint8_t, 16>{} || mark->boot != boot) return std::nullopt;
  CaseTime until = mark->until;
  if (last.on_time) {
    const CaseTime now = CaseTime{} + (mono - *last.zero);
    if (now >= lived) until = std::min(until, now);
  }
  return std::max(lived, until);
}

}  // namespace

std::string loss_text(const RecoveredStream& stream) {
  char text[128];
  if (stream.bounded)
    std::snprintf(text, sizeof text, "at most %.3f s lost, from %.3f s on", stream.lost_s(),
                  stream.lost_from.seconds());
  else
    std::snprintf(text, sizeof text, "lost from %.3f s until unknown, at least until %.3f s",
                  stream.lost_from.seconds(), stream.lost_until.seconds());
  return text;
}

// An epoch whose recorder died has no last word. What it held is proved as far as its last beat;
// how much is lost behind that, nobody saw. This says the most that can have been lost, and signs
// it:
//
//   lived    the newest time any frame or mark of the recorder tells: it was alive then
//   until    what the mark promised: had it lived longer, it would have written the next mark by
//            then. Promises hold only while its machine ran, so only within the same boot. Or now,
//            if that is earlier.
//   gap      of each stream, from the end of its last item to `until`: "crash". Without a promise
//            the end is not known, and the gap says so: "crash-unbounded".
//
// Invariant: every item that a source delivered to the dead recorder is in the log or within a gap.
// The heads of the chains are computed again from the frames that are there, and the close goes on
// from those: what was signed stays as it was signed.
Result<EpochRecovery> recover(const std::filesystem::path& log_dir, const seal::SigningKey& key,
                              Clock& clock, const std::array<uint8_t, 16>& boot) {
  EpochRecovery done;
  CASEBOX_TRY(done.log, log::recover(log_dir));
  done.case_id = done.log.case_id;
  CASEBOX_TRY(LastEpoch last, read_last_epoch(log_dir));
  if (last.epoch.value == 0) return done;
  done.last = last.as_case();
  if (last.closed) return done;
  done.case_id = last.case_id;
  done.epoch = last.epoch;
  if (last.open.signing_key() != view(Digest(key.public_key())))
    return Error{Code::kDenied, log_dir.string() +
                                    ": its last epoch was signed by another key; the log is "
                                    "repaired, the epoch stays unclosed"};
  CASEBOX_TRY(auto own_key, seal::SigningKey::from_seed(key.seed()));
  CASEBOX_TRY(auto writer, log::Writer::open(log_dir, clock));
  CASEBOX_CHECK(writer->begin_case(last.case_id, last.producer, last.role));
  EpochWriter epoch(last.case_id, last.producer, last.epoch, last.role, std::move(own_key), *writer,
                    clock);
  for (const auto& [stream, chain] : last.chains) epoch.resume(StreamId{stream}, chain);
  done.lived = last.lived;
  const auto death = death_of(last, log_dir, boot, clock.mono(), done.lived);
  const CaseTime end = death.value_or(done.lived);
  const bool owner = frame::owns_case(last.role);
  for (const auto& [id, stream] : last.streams) {
    if (stream.by_policy_absent()) continue;
    const StreamId stream_id{id};
    const EpochWriter::Chain& chain = epoch.chain(stream_id);
    const uint64_t next = chain.next;
    const CaseTime from = lost_from(last, stream);
    const bool absent = stands_for_absent(stream, chain);
    v1::Gap gap;
    gap.set_origin(absent ? v1::Gap::ORIGIN_SOURCE : v1::Gap::ORIGIN_UNKNOWN);
    gap.set_reason(absent ? "source-absent" : death || !owner ? "crash" : "crash-unbounded");
    gap.set_count_unknown(true);
    gap.set_t_begin_ns(from.ns);
    gap.set_t_end_ns(std::max(end, from).ns);
    CASEBOX_CHECK(epoch.append_gap(stream_id, gap));
    done.streams.push_back({stream_id, stream.name(), next == 0 ? 0 : next - 1, 0, from,
                            std::max(end, from), death.has_value()});
  }
  CASEBOX_CHECK(epoch.close(end, v1::CloseFrame::REASON_RECOVERED));
  done.last->reason = v1::CloseFrame::REASON_RECOVERED;
  done.last->end = end;
  CASEBOX_CHECK(writer->sync());
  log::Alive::remove(log_dir);
  done.finished_epoch = true;
  return done;
}

Result<void> leave(const std::filesystem::path& log_dir, const seal::SigningKey& key,
                   Clock& clock) {
  CASEBOX_TRY(LastEpoch last, read_last_epoch(log_dir));
  if (last.epoch.value == 0 || last.closed) return ok();
  CASEBOX_TRY(auto own_key, seal::SigningKey::from_seed(key.seed()));
  CASEBOX_TRY(auto writer, log::Writer::open(log_dir, clock));
  CASEBOX_CHECK(writer->begin_case(last.case_id, last.producer, last.role));
  EpochWriter epoch(last.case_id, last.producer, last.epoch, last.role, std::move(own_key), *writer,
                    clock);
  for (const auto& [stream, chain] : last.chains) epoch.resume(StreamId{stream}, chain);
  CASEBOX_CHECK(epoch.close(std::max(last.lived, last.beat), v1::CloseFrame::REASON_RECOVERED,
                            v1::CloseFrame::CAUSE_STOPPED));
  CASEBOX_CHECK(writer->sync());
  log::Alive::remove(log_dir);
  return ok();
}

}  // namespace casebox::producer
