#include "storage/verify/internal/rebuild.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "proto/frame/role.h"
#include "storage/case_record.h"

namespace casebox::storage::internal {

using verify::Weight;

namespace {

// Of at most 1 MiB each.
constexpr size_t kAhead = 32;

std::string place(const Proof& proof) {
  return "epoch index " + std::to_string(proof.epoch_index) + " stream " +
         std::to_string(proof.stream.value) + " number " + std::to_string(proof.first.value);
}

/// What both a cache and a rebuild hold, in one order; what only one can know is left out.
v1::CaseRecord comparable(v1::CaseRecord record, Depth depth) {
  record.clear_partition();  // where it lies, which its row's place tells
  record.clear_quarantined();
  record.clear_equivocations();
  std::ranges::sort(*record.mutable_epochs(), {}, [](const auto& e) { return e.index(); });
  std::ranges::sort(*record.mutable_streams(), {}, [](const auto& s) {
    return std::make_pair(s.epoch(), s.stream().stream_id());
  });
  auto bare = [&](v1::StreamRecord& row) {
    row.clear_head();
    if (depth == Depth::kBytes) return;
    row.clear_bytes();
    row.clear_first_t_ns();
    row.clear_last_t_ns();
  };
  for (auto& epoch : *record.mutable_epochs()) bare(*epoch.mutable_control());
  for (auto& row : *record.mutable_streams()) bare(row);
  return record;
}

}  // namespace

void Rebuild::damaged(const Proof& proof, const std::string& what, Weight weight) {
  verifier_.add_problem({"row", place(proof), what}, weight);
}

ProvenStream& Rebuild::stream(uint32_t epoch_index, StreamId id) {
  const auto [at, fresh] = places_.try_emplace({epoch_index, id.value}, out_.streams.size());
  if (!fresh) return out_.streams[at->second];
  ProvenStream& added = out_.streams.emplace_back();
  added.epoch_index = epoch_index;
  added.epoch = epochs_[epoch_index];
  added.id = id;
  added.entry.set_stream_id(id.value);
  return added;
}

v1::EpochRecord& Rebuild::epoch_record(uint32_t index) {
  for (auto& epoch : *out_.record.mutable_epochs())
    if (epoch.index() == index) return epoch;
  auto& epoch = *out_.record.add_epochs();
  epoch.set_index(index);
  return epoch;
}

v1::StreamRecord& Rebuild::row(const ProvenStream& at) {
  if (at.id == kControlStream) {
    auto& control = *epoch_record(at.epoch_index).mutable_control();
    control.set_epoch(at.epoch.value);
    control.mutable_stream();
    return control;
  }
  const auto [found, fresh] =
      rows_.try_emplace({at.epoch.value, at.id.value}, out_.record.streams_size());
  if (!fresh) return *out_.record.mutable_streams(found->second);
  auto& added = *out_.record.add_streams();
  added.set_epoch(at.epoch.value);
  added.mutable_stream()->set_stream_id(at.id.value);
  return added;
}

void Rebuild::take(const Proof& proof) {
  ++counted_[proof.table];
  const bool media = proof.table == Table::kMedia && depth_ == Depth::kBytes;
  if (!media || ahead_.size() >= kAhead) take_ahead();
  if (proof.stream == kControlStream) {
    take_control(proof);
  } else {
    take_other(proof);
  }
}

void Rebuild::take_control(const Proof& proof) {
  const auto frame = frame::parse(proof.control);
  if (!frame) return damaged(proof, frame.error().message, Weight::kDamage);
  const frame::Header& h = frame->header;
  if (frame->bytes.size() != proof.control.size() || h.stream != kControlStream ||
      h.first != proof.first || h.count != proof.count)
    return damaged(proof, "the row holds another frame than its key says", Weight::kTamper);
  const auto [known, fresh] = epochs_.try_emplace(proof.epoch_index, h.epoch);
  if (!fresh && known->second != h.epoch)
    return damaged(proof, "a frame of another epoch stands under this one's index",
                   Weight::kTamper);
  if (frame::leaf_hash(*frame) != proof.leaf)
    damaged(proof, "the row's leaf hash is not that of the frame in it", Weight::kTamper);
  v1::EpochRecord& epoch = epoch_record(proof.epoch_index);
  epoch.set_epoch(h.epoch.value);
  ProvenStream& at = stream(proof.epoch_index, kControlStream);
  take_control_body(*frame, at);
  const auto producer = id_from_bytes<ProducerId>(epoch_record(proof.epoch_index).producer_id());
  verifier_.add_control(*frame, producer ? *producer : ProducerId{});
  Proof kept = proof;
  kept.control = {};
  kept.leaf = frame::leaf_hash(*frame);
  if (h.kind == frame::Kind::kCase) case_leaves_[h.epoch.value].insert(kept.leaf);
  at.frames.push_back(kept);
  at.kinds.push_back(h.kind);
  v1::StreamRecord& counted = row(at);
  count_frame(out_.record, counted, h, nullptr);
  take_consent(out_.record, *frame);
  if (h.kind == frame::Kind::kConsent) consents_.emplace_back(frame->bytes);
  if (h.first.value == counted.next_number()) counted.set_next_number(h.next());
}

void Rebuild::take_control_body(const frame::View& frame, ProvenStream& at) {
  const int size = static_cast<int>(frame.body.size());
  if (frame.header.kind == frame::Kind::kStream) {
    v1::Stream entry;
    if (!entry.ParseFromArray(frame.body.data(), size) || entry.stream_id() == 0) return;
    const uint32_t index = at.epoch_index;
    ProvenStream& named = stream(index, StreamId{entry.stream_id()});  // `at` may move
    named.entry = entry;
    *row(named).mutable_stream() = std::move(entry);
    return;
  }
  if (frame.header.kind != frame::Kind::kCase) return;
  v1::CaseControl control;
  if (!control.ParseFromArray(frame.body.data(), size)) return;
  v1::EpochRecord& epoch = epoch_record(at.epoch_index);
  if (control.has_close()) *epoch.mutable_close() = control.close();
  if (!control.has_open() || frame.header.first.value != 0) return;
  out_.record.set_case_id(Bytes(id_.view()));
  take_opening(out_.record, epoch, control.open());
  if (!control.open().case_id().empty() && control.open().producer_id().size() == 16)
    at.derived = frame::is_derived(control.open().role());
}

void Rebuild::take_other(const Proof& proof) {
  ProvenStream& at = stream(proof.epoch_index, proof.stream);
  if (at.frames.empty()) {
    const auto own = places_.find({proof.epoch_index, 0});
    if (own != places_.end()) at.derived = out_.streams[own->second].derived;
  }
  const bool gaps_are_signed = verifier_.signs_gaps(at.epoch);
  if (depth_ == Depth::kBytes && proof.table == Table::kMedia) {
    ahead_.emplace_back(proof, &at);
    ahead_.back().first.control = {};
  } else if (depth_ == Depth::kBytes || proof.gap || !gaps_are_signed) {
    take_whole(proof, at, shard_.load(id_, proof));
  } else {
    take_leaf(proof, at);
  }
  Proof kept = proof;
  kept.control = {};
  at.frames.push_back(kept);
}

void Rebuild::take_leaf(const Proof& proof, ProvenStream& at) {
  verifier_.add_leaf({at.epoch, at.id, proof.first, proof.count, proof.leaf});
  v1::StreamRecord& counted = row(at);
  counted.set_frames(counted.frames() + 1);
  out_.record.set_frames(out_.record.frames() + 1);
  if (!proof.gap) counted.set_items(counted.items() + proof.count);
  if (proof.first.value == counted.next_number()) counted.set_next_number(proof.next());
}

/// Reading and hashing are nearly all that media cost; the verifier wants them one after the other.
void Rebuild::take_ahead() {
  if (ahead_.empty()) return;
  std::vector<std::optional<Result<StoredFrame>>> stored(ahead_.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i; (i = next++) < ahead_.size();)
      stored[i].emplace(shard_.load(id_, ahead_[i].first));
  };
  {
    std::vector<std::jthread> others;
    const size_t threads = std::min<size_t>(std::thread::hardware_concurrency(), ahead_.size());
    for (size_t i = 1; i < threads; ++i) others.emplace_back(work);
    work();
  }
  for (size_t i = 0; i < ahead_.size(); ++i)
    take_whole(ahead_[i].first, *ahead_[i].second, std::move(*stored[i]));
  ahead_.clear();
}

void Rebuild::take_whole(const Proof& proof, ProvenStream& at, Result<StoredFrame> stored) {
  if (!stored) {
    damaged(proof, stored.error().message, weight_of(stored.error()));
    // The chain goes on over what the store says the frame hashed to.
    return take_leaf(proof, at);
  }
  // Lists go by the row of a media frame, without its segment.
  if (proof.table == Table::kMedia)
    if (const auto row = shard_.load_header(id_, proof); !row)
      damaged(proof, row.error().message, weight_of(row.error()));
  const frame::View frame = stored->view();
  const frame::Header& h = frame.header;
  if (h.epoch != at.epoch)
    damaged(proof, "a frame of another epoch stands under this one's index", Weight::kTamper);
  if ((h.kind == frame::Kind::kGap) != proof.gap)
    damaged(proof, "the row passes a gap off as data, or data as a gap", Weight::kTamper);
  verifier_.add(frame, {}, &proof.leaf);
  v1::StreamRecord& counted = row(at);
  v1::Gap gap;
  const bool is_gap = h.kind == frame::Kind::kGap &&
                      gap.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
  count_frame(out_.record, counted, h, is_gap ? &gap : nullptr);
  if (h.first.value == counted.next_number()) counted.set_next_number(h.next());
  if (is_gap)
    out_.gaps.push_back(
        {std::move(gap), h.epoch, h.stream, h.first, h.count, h.t, h.end(), at.derived});
}

/// When a stream of which only leaves were seen begins and ends: from the frames that say so, which
/// are read and must hash to their leaves.
void Rebuild::bound_times(const ProvenStream& at) {
  std::vector<const Proof*> data;
  for (const Proof& proof : at.frames)
    if (!proof.gap) data.push_back(&proof);
  int64_t first = INT64_MAX, last = INT64_MIN;
  if (!data.empty()) {
    const auto [earliest, latest] =
        std::ranges::minmax_element(data, {}, [](const Proof* proof) { return proof->t; });
    const std::set<const Proof*> bounds{data.front(), *earliest, *latest, data.back()};
    for (const Proof* proof : bounds) {
      const auto header = shard_.load_header(id_, *proof);
      if (!header) {
        damaged(*proof, header.error().message, weight_of(header.error()));
        continue;
      }
      first = std::min(first, header->t.ns);
      last = std::max(last, header->end().ns);
    }
  }
  if (!at.derived && first <= last) {
    case_first_ = std::min(case_first_, first);
    case_last_ = std::max(case_last_, last);
  }
  for (const ProvenGap& gap : out_.gaps) {
    if (gap.epoch != at.epoch || gap.stream != at.id) continue;
    first = std::min(first, gap.t.ns);
    last = std::max(last, gap.end.ns);
  }
  if (first > last) return;
  v1::StreamRecord& counted = row(at);
  counted.set_first_t_ns(first);
  counted.set_last_t_ns(last);
}

/// Rows that no proof row names would be shown by nobody; that they are there is a change. A row
/// that is missing may be of a frame that stands in its proof row, too.
void Rebuild::check_rows() {
  for (const Table table : {Table::kEvent, Table::kWave, Table::kMedia}) {
    const auto rows = shard_.count_rows(id_, table);
    if (!rows) {
      verifier_.add_problem(
          {"row", "table " + std::to_string(static_cast<int>(table)), rows.error().message},
          Weight::kDamage);
    } else if (*rows > counted_[table]) {
      verifier_.add_problem(
          {"unproven", "table " + std::to_string(static_cast<int>(table)),
           std::to_string(*rows - counted_[table]) + " rows have no proof; they are never shown"},
          Weight::kTamper);
    } else if (*rows < counted_[table]) {
      verifier_.add_problem(
          {"row", "table " + std::to_string(static_cast<int>(table)),
           std::to_string(counted_[table] - *rows) + " rows of proven frames are missing"},
          Weight::kDamage);
    }
  }
}

/// Epochs that were stored once must still be there, ends too: whoever deletes all rows of one
/// leaves nothing else that misses it.
void Rebuild::check_ledger() {
  const auto entries = shard_.ledger(id_);
  if (!entries) {
    verifier_.add_problem({"ledger", "ledger", entries.error().message}, Weight::kDamage);
    return;
  }
  for (const LedgerEntry& entry : *entries) {
    const std::string where = "epoch " + to_string(entry.epoch);
    const auto leaves = case_leaves_.find(entry.epoch.value);
    if (leaves == case_leaves_.end()) {
      verifier_.add_problem({"ledger", where, "it was stored and nothing of it is here"},
                            Weight::kDamage);
    } else if (entry.leaf != Digest{} && !leaves->second.contains(entry.leaf)) {
      verifier_.add_problem({"ledger", where,
                             entry.closed ? "the frame that closed it is not here"
                                          : "another frame opens it than the one that was stored"},
                            entry.closed ? Weight::kDamage : Weight::kTamper);
    }
  }
}

void Rebuild::compare_cache(const std::optional<v1::CaseRecord>& cached) {
  if (!cached) {
    out_.report.blame({"cache", "case record", "it is missing or does not parse"}, Weight::kDamage);
    return;
  }
  if (out_.report.verdict >= verify::Verdict::kDamaged) return;  // counts differ for that reason
  google::protobuf::util::MessageDifferencer differ;
  std::string said;
  differ.ReportDifferencesToString(&said);
  if (differ.Compare(comparable(*cached, depth_), comparable(out_.record, depth_))) return;
  // Field names only: values may be names.
  while (!said.empty()) {
    const std::string line = said.substr(0, said.find('\n'));
    said.erase(0, line.size() + 1);
    const size_t name = line.find(": ");
    const std::string field = name == std::string::npos
                                  ? line
                                  : line.substr(name + 2, line.find(':', name + 2) - name - 2);
    out_.report.blame(
        {"cache", "case record, " + field,
         "the store's row differs from what the signed frames say; " + line.substr(0, name)},
        Weight::kTamper);
  }
}

/// The end of the case by the headers of all its data, where the frames that begin last do not give
/// the end that the cache names.
void Rebuild::find_end(int64_t named) {
  if (case_first_ > case_last_ || case_last_ == named) return;
  for (const ProvenStream& at : out_.streams) {
    if (at.id == kControlStream || at.derived) continue;
    for (const Proof& proof : at.frames) {
      if (proof.gap) continue;
      const auto header = shard_.load_header(id_, proof);
      if (header) {
        case_last_ = std::max(case_last_, header->end().ns);
      } else {
        damaged(proof, header.error().message, weight_of(header.error()));
      }
    }
  }
}

/// Anybody can append to a log what stands in the clear, so consent is what beats signed. (The
/// store's row takes the newest that is there, as it counts everything before a beat comes.)
void Rebuild::put_signed_consent() {
  out_.record.clear_consent();
  for (const Bytes& bytes : consents_) {
    const auto frame = frame::parse(bytes);
    const auto beat = frame ? verifier_.newest_beat(frame->header.epoch) : std::nullopt;
    if (beat && frame->header.first.value < *beat) take_consent(out_.record, *frame);
  }
}

Result<VerifiedCase> Rebuild::run() {
  std::optional<v1::CaseRecord> cached;
  out_.record.set_case_id(Bytes(id_.view()));
  const auto read = shard_.for_each_proof(id_, &cached, [&](const Proof& proof) {
    take(proof);
    return ok();
  });
  take_ahead();
  if (!read) {
    if (read.error().code != Code::kCorrupt) return read.error();
    verifier_.add_problem({"row", "proof family", read.error().message}, Weight::kDamage);
  }
  if (!cached && out_.streams.empty())
    return Error{Code::kNotFound, "case " + to_string(id_) + " is not in this store"};
  if (depth_ == Depth::kLeaves) {
    for (const ProvenStream& at : out_.streams)
      if (at.id != kControlStream) bound_times(at);
    if (cached) find_end(cached->last_t_ns());
    if (case_first_ <= case_last_) {
      out_.record.set_first_t_ns(case_first_);
      out_.record.set_last_t_ns(case_last_);
    }
  }
  if (depth_ == Depth::kBytes) check_rows();
  check_ledger();
  settle(out_.record);
  out_.report = verifier_.finish();
  if (cached) {
    out_.record.set_partition(cached->partition());
    out_.record.set_quarantined(cached->quarantined());
    out_.record.set_equivocations(cached->equivocations());
    for (const auto& known : cached->streams()) {
      const auto mine = rows_.find({known.epoch(), known.stream().stream_id()});
      if (depth_ == Depth::kLeaves && mine != rows_.end())
        out_.record.mutable_streams(mine->second)->set_bytes(known.bytes());
    }
  }
  compare_cache(cached);
  put_signed_consent();
  std::ranges::sort(out_.streams, {}, [](const ProvenStream& at) {
    return std::make_pair(at.epoch_index, at.id.value);
  });
  std::ranges::stable_sort(out_.gaps, {}, [](const ProvenGap& at) { return at.gap.t_begin_ns(); });
  return std::move(out_);
}

}  // namespace casebox::storage::internal
