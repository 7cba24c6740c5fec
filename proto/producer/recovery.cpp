#include "proto/producer/recovery.h"

#include <algorithm>
#include <map>
#include <utility>

#include "proto/producer/internal/epoch_writer.h"
#include "proto/producer/producer.h"

namespace casebox::producer {
namespace {

/// The last epoch of a log, as far as its frames tell.
struct LastEpoch {
  v1::CaseFrame open;
  CaseId case_id;
  ProducerId producer;
  v1::ProducerRole role = v1::PRODUCER_ROLE_UNSPECIFIED;
  Epoch epoch;
  bool closed = false;
  CaseTime last;
  std::map<uint32_t, EpochWriter::Chain> chains;
  std::map<uint32_t, v1::Stream> streams;
  std::map<uint32_t, CaseTime> ends;

  Result<void> take(const log::Entry& entry);
  void take_positions(const v1::LogFileHeader& header);
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
      last = h.t;
    }
    if (control.has_close() && h.epoch == epoch) closed = true;
  }
  if (h.epoch != epoch) return ok();
  if (h.kind == frame::Kind::kStream) {
    v1::Stream stream;
    if (stream.ParseFromArray(entry.frame.body.data(), static_cast<int>(entry.frame.body.size())))
      streams[stream.stream_id()] = stream;
  }
  last = std::max(last, h.end());
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
    if (!entry) return last;
    CASEBOX_CHECK(last.take(*entry));
  }
}

/// What a crash can have cost a stream: its open frame and what was not yet on disk.
double loss_bound_s(const v1::CaseFrame& open) {
  const uint32_t frame_ms = open.config().frame_max_ms() != 0 ? open.config().frame_max_ms() : 150;
  const uint32_t sync_ms = open.config().sync_max_ms() != 0 ? open.config().sync_max_ms() : 100;
  return (frame_ms + sync_ms) / 1000.0;
}

}  // namespace

Result<EpochRecovery> recover(const std::filesystem::path& log_dir, const seal::SigningKey& key,
                              Clock& clock) {
  EpochRecovery done;
  CASEBOX_TRY(done.log, log::recover(log_dir));
  done.case_id = done.log.case_id;
  CASEBOX_TRY(LastEpoch last, read_last_epoch(log_dir));
  if (last.epoch.value == 0 || last.closed) return done;
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
  const double bound = loss_bound_s(last.open);
  for (const auto& [id, stream] : last.streams) {
    if (stream.by_policy_absent()) continue;
    const StreamId stream_id{id};
    const uint64_t next = epoch.chain(stream_id).next;
    const auto end = last.ends.find(id);
    v1::Gap gap;
    gap.set_origin(v1::Gap::ORIGIN_UNKNOWN);
    gap.set_reason("crash");
    gap.set_count_unknown(true);
    gap.set_t_begin_ns(end == last.ends.end() ? last.last.ns : end->second.ns);
    gap.set_t_end_ns(std::max(last.last.ns, gap.t_begin_ns()));
    CASEBOX_CHECK(epoch.append_gap(stream_id, gap));
    done.streams.push_back({stream_id, stream.name(), next == 0 ? 0 : next - 1, 0, bound});
  }
  CASEBOX_CHECK(epoch.close(last.last, v1::CloseFrame::REASON_RECOVERED));
  CASEBOX_CHECK(writer->sync());
  done.finished_epoch = true;
  return done;
}

}  // namespace casebox::producer
