// What is decided when all is written: which of several frames with the same numbers a beat signed
// for, what an ended epoch did not sign, and what waited for something that has come.
#include <algorithm>
#include <utility>

#include "ingest/internal/intake.h"

namespace casebox::ingest {
namespace {

// Alternatives that one search looks at.
constexpr size_t kMaxAlternatives = 4096;

}  // namespace

Result<void> Intake::settle() {
  CASEBOX_CHECK(run_pumps());
  // By index: what is settled may list others.
  for (size_t i = 0; i < listed_.size(); ++i) CASEBOX_CHECK(settle_case(*listed_[i]));
  CASEBOX_CHECK(run_pumps());
  CASEBOX_CHECK(write({}));
  for (CaseState* state : listed_) state->listed = false;
  // Work that came up meanwhile keeps its case listed.
  auto before = std::exchange(listed_, {});
  for (CaseState* state : before)
    if (!state->work.empty() || state->dirty) list(*state);
  evict();
  return ok();
}

Result<void> Intake::settle_case(CaseState& state) {
  auto work = std::exchange(state.work, {});
  for (auto& [epoch, stream] : work) stream->working = false;
  for (auto& [epoch, stream] : work) {
    // A stream may be gone since: its name was nobody's.
    if (epoch->find(stream->id) != stream) continue;
    CASEBOX_CHECK(settle_stream(state, *epoch, *stream));
  }
  return ok();
}

Result<void> Intake::settle_stream(CaseState& state, EpochState& epoch, StreamState& stream) {
  CASEBOX_CHECK(state.ensure(epoch, stream));
  if (!stream.islands.empty() && stream.islands.begin()->first <= stream.chain.next)
    CASEBOX_CHECK(state.follow(epoch, stream));
  // The close frame may have been stored behind a hole, by a program that ran before this one.
  if (stream.id == kControlStream && !epoch.ended && !epoch.close_number)
    CASEBOX_CHECK(state.load_end(epoch));
  if (stream.id == kControlStream) CASEBOX_CHECK(find_last_beat(state, epoch));
  while (true) {
    auto& ahead = stream.signed_ahead;
    while (!ahead.empty() && ahead.front().next <= stream.confirmed.next) ahead.pop_front();
    if (ahead.empty()) break;
    const Position to = ahead.front();
    if (stream.chain == to) {
      stream.confirmed = to;
      continue;
    }
    CASEBOX_TRY(const bool met, exchange(state, epoch, stream, to));
    if (!met) break;
  }
  if (stream.id == kControlStream && epoch.last_beat)
    maybe_end(state, epoch, epoch.last_beat->first, epoch.last_beat->second);
  if (epoch.ended) CASEBOX_CHECK(trim(state, epoch, stream, epoch.limit(stream.id)));
  return ok();
}

/// The beat that covers a close frame, when it came before it.
Result<void> Intake::find_last_beat(CaseState& state, EpochState& epoch) {
  if (epoch.ended || !epoch.close_number ||
      (epoch.last_beat && epoch.last_beat->second > *epoch.close_number))
    return ok();
  CASEBOX_TRY(const auto rows,
              state.shard().placed(state.id(), epoch.record->index(), kControlStream,
                                   ItemNumber{*epoch.close_number + 1}, UINT64_MAX, 4));
  for (const auto& row : rows) {
    CASEBOX_TRY(const auto stored, state.shard().find_frame(state.id(), epoch.record->index(),
                                                            row.table, kControlStream, row.first));
    if (!stored) continue;
    const auto frame = stored->view();
    auto beat = beat_of(frame);
    if (!beat || !beat_holds(frame, *beat, state.id(), epoch.producer, epoch.record->signing_key()))
      continue;
    CASEBOX_CHECK(take_signed(*beat, state, epoch));
    epoch.last_beat.emplace(std::move(*beat), row.first.value);
    break;
  }
  return ok();
}

/// Whether the chain meets `to`: over what is stored, or over alternatives that wait, which then
/// take the place of what is stored.
Result<bool> Intake::exchange(CaseState& state, EpochState& epoch, StreamState& stream,
                              const Position& to) {
  CASEBOX_TRY(const auto stored,
              state.shard().placed(state.id(), epoch.record->index(), stream.id,
                                   ItemNumber{stream.confirmed.next}, to.next, SIZE_MAX));
  Position at = stream.confirmed;
  for (const auto& row : stored) {
    if (row.first.value != at.next) break;
    at = {row.next(), frame::next_head(at.head, row.leaf)};
    if (at.next >= to.next) break;
  }
  if (at == to) {
    stream.confirmed = to;
    return true;
  }
  storage::QuarantineQuery query;
  query.waiting = true;
  query.case_id = state.id();
  query.epoch = epoch.id;
  query.stream = stream.id;
  query.from_number = stream.confirmed.next;
  query.max_rows = kMaxAlternatives;
  query.max_bytes = 64u << 20;
  CASEBOX_TRY(auto page, state.shard().quarantine(query));
  std::erase_if(page.items, [&](const storage::Quarantined& row) {
    return row.number >= to.next || row.reason != reason::kEquivocation;
  });
  if (page.items.empty()) return false;
  Links links;
  for (size_t i = 0; i < stored.size(); ++i)
    links[stored[i].first.value].push_back({stored[i].next(), stored[i].leaf, i});
  for (size_t i = 0; i < page.items.size(); ++i) {
    const auto frame = frame::parse(page.items[i].bytes);
    if (frame)
      links[frame->header.first.value].push_back(
          {frame->header.next(), frame::leaf_hash(*frame), stored.size() + i});
  }
  const auto path = find_path(stream.confirmed, to, links, kSearchBudget + stored.size());
  if (!path) return false;
  std::vector<bool> right(stored.size() + page.items.size());
  for (size_t i : *path) right[i] = true;
  for (size_t i = 0; i < stored.size(); ++i)
    if (!right[i]) CASEBOX_CHECK(lose(state, epoch, stream, stored[i]));
  CASEBOX_CHECK(write({}));
  stream.confirmed = to;
  for (size_t i = 0; i < page.items.size(); ++i) {
    auto& row = page.items[i];
    Item item{state.id(),
              state.record().partition(),
              std::move(row.bytes),
              row.source,
              row.offset,
              row.when,
              row.key,
              row.reason};
    if (!right[stored.size() + i]) {
      CASEBOX_CHECK(refuse(item, reason::kNotSigned));
      continue;
    }
    const auto frame = frame::parse(item.bytes);
    CASEBOX_CHECK(store_frame(item, *frame, frame::leaf_hash(*frame), state, epoch, stream));
  }
  CASEBOX_CHECK(write({}));
  CASEBOX_CHECK(state.follow_anew(epoch, stream));
  list(state);
  if (stream.id == kControlStream) CASEBOX_CHECK(read_control_anew(state, epoch));
  pumps_.push_back({state.id(), state.record().partition(), epoch.id, stream.id});
  return true;
}

/// Takes a stored frame out of its case.
Result<void> Intake::lose(CaseState& state, EpochState& epoch, StreamState& stream,
                          const storage::Placed& placed) {
  auto stored = state.shard().find_frame(state.id(), epoch.record->index(), placed.table, stream.id,
                                         placed.first);
  if (!stored && stored.error().code != Code::kCorrupt) return stored.error();
  if (stored && *stored) {
    state.uncount((*stored)->view(), stream);
    Item item{state.id(),
              state.record().partition(),
              std::move((*stored)->bytes),
              (*stored)->trailer.source,
              (*stored)->trailer.offset,
              {},
              {},
              {}};
    CASEBOX_CHECK(refuse(item, reason::kNotSigned));
  }
  batch(state.shard()).remove_frame(state.id(), epoch.record->index(), stream.id, placed);
  state.dirty = true;
  list(state);
  return ok();
}

/// An ended epoch has nothing beyond what it signed.
Result<void> Intake::trim(CaseState& state, EpochState& epoch, StreamState& stream,
                          uint64_t limit) {
  if (stream.chain.next <= limit && stream.islands.empty()) return ok();
  bool any = false;
  while (true) {
    CASEBOX_TRY(const auto rows, state.shard().placed(state.id(), epoch.record->index(), stream.id,
                                                      ItemNumber{limit}, UINT64_MAX, 1000));
    if (rows.empty()) break;
    for (const auto& row : rows) CASEBOX_CHECK(lose(state, epoch, stream, row));
    CASEBOX_CHECK(write({}));
    any = true;
  }
  return any ? state.follow_anew(epoch, stream) : ok();
}

/// What the control frames of an epoch say, after some were exchanged.
Result<void> Intake::read_control_anew(CaseState& state, EpochState& epoch) {
  std::map<uint32_t, v1::Stream> named;
  epoch.close_number.reset();
  CASEBOX_CHECK(state.shard().for_each_frame(
      state.id(), epoch.id, kControlStream, [&](const storage::StoredFrame& stored) {
        const auto frame = stored.view();
        if (auto close = close_of(frame)) {
          epoch.close_number = frame.header.first.value;
          epoch.close = std::move(*close);
          epoch.close_leaf = frame::leaf_hash(frame);
        }
        v1::Stream entry;
        if (frame.header.kind == frame::Kind::kStream &&
            entry.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size())))
          named[entry.stream_id()] = entry;
        return ok();
      }));
  std::vector<StreamId> gone;
  for (auto& [id, stream] : epoch.streams)
    if (named.count(id) == 0) gone.push_back(StreamId{id});
  for (StreamId id : gone) {
    StreamState& stream = *epoch.find(id);
    CASEBOX_CHECK(state.ensure(epoch, stream));
    stream.confirmed = {0, frame::first_head(epoch.producer, state.id(), id, epoch.id)};
    CASEBOX_CHECK(trim(state, epoch, stream, 0));
    state.forget_stream(epoch, id);
  }
  for (auto& [id, entry] : named) {
    if (epoch.find(StreamId{id}) == nullptr)
      pumps_.push_back({state.id(), state.record().partition(), epoch.id, StreamId{id}});
    (void)state.name_stream(epoch, std::move(entry));
  }
  return ok();
}

/// Takes every row of `query` that is wanted once more, a page at a time.
Result<void> Intake::take_rows(storage::QuarantineQuery query, uint32_t partition,
                               const std::function<bool(const storage::Quarantined&)>& wanted,
                               const RowVisit& visit) {
  do {
    CASEBOX_TRY(auto page, store_.shard(partition).quarantine(query));
    for (auto& row : page.items) {
      if (!wanted(row)) continue;
      Item item{row.case_id, partition, std::move(row.bytes), row.source, row.offset, row.when,
                row.key,     row.reason};
      Item name = item;
      name.bytes.clear();
      CASEBOX_TRY(const Outcome outcome, take(std::move(item)));
      if (visit) visit(name, outcome);
    }
    if (!page.items.empty()) CASEBOX_CHECK(write({}));
    query.after = std::move(page.after);
  } while (!query.after.empty());
  return ok();
}

Result<void> Intake::run_pumps() {
  while (!pumps_.empty()) {
    const Pump pump = pumps_.front();
    pumps_.pop_front();
    CASEBOX_CHECK(write({}));
    for (bool waiting : {true, false}) {
      storage::QuarantineQuery query;
      query.waiting = waiting;
      query.case_id = pump.case_id;
      query.epoch = pump.epoch;
      query.stream = pump.stream;
      CASEBOX_CHECK(take_rows(
          query, pump.partition,
          [&](const storage::Quarantined& row) { return waiting || is_refusal(row.reason); }, {}));
    }
  }
  return ok();
}

Result<void> Intake::requeue(const RequeueOptions& what, RequeueReport& report) {
  const auto wanted = [&](const storage::Quarantined& row) {
    return (what.reason.empty() || row.reason == what.reason) &&
           (!what.refused || is_refusal(row.reason));
  };
  uint64_t rows = 0;
  pools_.clear();  // all is written: what was refused may be let in now
  for (uint32_t shard = 0; shard < store_.shards(); ++shard) {
    RequeueReport here;
    std::map<std::string, uint64_t> before;
    std::vector<std::pair<CaseId, Epoch>> epochs;
    storage::QuarantineQuery query;
    query.case_id = what.case_id;
    if (what.refused) query.waiting = false;
    do {
      CASEBOX_TRY(auto page, store_.shard(shard).quarantine(query));
      for (const auto& row : page.items) {
        if (!wanted(row)) continue;
        ++before[row.reason];
        const std::pair epoch(row.case_id, row.epoch);  // rows of one stand together
        if (row.epoch.value != 0 && (epochs.empty() || epochs.back() != epoch))
          epochs.push_back(epoch);
      }
      query.after = std::move(page.after);
    } while (!query.after.empty());
    // Epochs that may be let in now, whatever their other rows are called.
    for (const auto& [id, epoch] : epochs) {
      CASEBOX_TRY(CaseState * known, state(id, shard));
      if (known == nullptr || known->find(epoch) == nullptr)
        CASEBOX_CHECK(try_admit(id, epoch, shard));
    }
    CASEBOX_CHECK(write({}));
    // What may name a stream or end an epoch stands among the refused: those that wait come last.
    for (bool waiting : {false, true}) {
      if (waiting && what.refused) continue;
      query.after.clear();
      query.waiting = waiting;
      CASEBOX_CHECK(take_rows(query, shard, wanted, [&](const Item& item, Outcome outcome) {
        auto& line = here.reasons[item.reason];
        line.known += outcome == Outcome::kKnown ? 1 : 0;
        line.came_back += outcome == Outcome::kQuarantined ? 1 : 0;
        if (what.progress) what.progress(++rows);
      }));
    }
    for (const auto& [code, count] : before) {
      const auto& line = here.reasons[code];
      auto& sum = report.reasons[code];
      sum.known += line.known;
      sum.came_back += line.came_back;
      sum.taken_in += count - std::min(count, line.known + line.came_back);
    }
  }
  return ok();
}

}  // namespace casebox::ingest
