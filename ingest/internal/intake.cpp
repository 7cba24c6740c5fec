#include "ingest/internal/intake.h"

#include <algorithm>
#include <utility>

#include "proto/frame/role.h"

namespace casebox::ingest {
namespace {

// Case states in memory: far above the rooms of a site, each with what its open epochs need.
constexpr size_t kMaxStates = 128;
// Reported by name; a long-running ingest would otherwise remember every case it ever met.
constexpr size_t kMaxTouched = 100'000;
// Beats between two whose signatures are verified, while nothing is contested.
constexpr uint32_t kBeatsUnchecked = 8;

}  // namespace

storage::Batch& Intake::batch(storage::Shard& shard) {
  auto it = batches_.find(&shard);
  if (it == batches_.end()) it = batches_.emplace(&shard, shard.begin()).first;
  return it->second;
}

/// Null if there is no such case.
Result<CaseState*> Intake::state(CaseId id, uint32_t partition) {
  storage::Shard& shard = store_.shard(partition);
  auto it = cases_.find(id);
  if (it == cases_.end()) {
    CASEBOX_TRY(auto record, shard.find_case(id));
    if (!record) return static_cast<CaseState*>(nullptr);
    if (record->epochs().empty())
      return Error{Code::kCorrupt, "record of case " + to_string(id) +
                                       " is damaged; restore from a backup before anything is "
                                       "added to it"};
    CASEBOX_TRY(auto loaded, CaseState::load(id, std::move(*record), shard));
    it = cases_.emplace(id, std::move(loaded)).first;
    if (!it->second->work.empty()) list(*it->second);
    if (it->second->waiting) {
      CASEBOX_TRY(const auto epochs, shard.quarantined_epochs(id, kMaxEpochs));
      for (Epoch epoch : epochs) {
        EpochState* known = it->second->find(epoch);
        if (known == nullptr) continue;
        known->contested = true;
        pumps_.push_back({id, partition, epoch, std::nullopt});
      }
    }
  }
  // A case lives in the shard of its partition; the same id in another is none of it.
  if (&it->second->shard() != &shard) return static_cast<CaseState*>(nullptr);
  it->second->used = ++use_;
  return it->second.get();
}

void Intake::list(CaseState& state) {
  if (std::exchange(state.listed, true)) return;
  listed_.push_back(&state);
  if (touched.size() < kMaxTouched) touched.insert(state.id());
}

/// Closed cases go first, then those that were used least recently.
void Intake::evict() {
  if (cases_.size() <= kMaxStates) return;
  std::vector<CaseState*> idle;
  for (auto& [id, state] : cases_)
    if (!state->listed && !state->dirty) idle.push_back(state.get());
  std::ranges::sort(idle, {}, [](const CaseState* s) {
    const bool open = const_cast<CaseState*>(s)->record().state() != v1::CASE_STATE_CLOSED;
    return std::pair(open, s->used);
  });
  for (CaseState* state : idle) {
    if (cases_.size() <= kMaxStates / 2) break;
    cases_.erase(state->id());
  }
}

/// A row that was looked at again goes when its frame found its place.
Result<Outcome> Intake::done(Item& item, Outcome outcome) {
  if (item.key.empty()) return outcome;
  CASEBOX_CHECK(batch(store_.shard(item.partition)).take_quarantine(item.key));
  if (item.when >= opened_ && progress.quarantined > 0) {
    --progress.quarantined;
  } else {
    ++progress.requeued;
  }
  return outcome;
}

Result<Outcome> Intake::refuse(Item& item, const std::string& code, const std::string& detail) {
  storage::Quarantined row;
  row.reason = code;
  row.detail = detail;
  row.waits = waits(code);
  row.source = item.source;
  row.offset = item.offset;
  row.when = item.key.empty() ? clock_.utc() : item.when;
  row.case_id = item.case_id;
  row.bytes = item.bytes.substr(0, frame::kHeaderSize + frame::kMaxBody);
  if (row.bytes.size() < item.bytes.size())
    row.detail += " (" + std::to_string(item.bytes.size()) + " bytes; the first are kept)";
  if (auto header = frame::parse_header(row.bytes); header && code != reason::kNotAFrame) {
    row.epoch = header->epoch;
    row.stream = header->stream;
    row.number = header->first.value;
  }
  storage::Batch& to = batch(store_.shard(item.partition));
  if (!item.key.empty() && item.reason == code) return Outcome::kQuarantined;  // as it stands
  if (!item.key.empty()) CASEBOX_CHECK(to.take_quarantine(item.key));
  CASEBOX_CHECK(to.put_quarantine(row));
  if (row.waits)
    if (auto it = cases_.find(item.case_id); it != cases_.end()) it->second->waiting = true;
  if (item.key.empty()) {
    ++progress.quarantined;
    if (code == reason::kEquivocation || code == reason::kNotSigned) ++progress.equivocations;
    ++progress.reasons[code];
  }
  return Outcome::kQuarantined;
}

Result<Outcome> Intake::take(Item item) {
  const auto frame = frame::parse(item.bytes);
  if (!frame || frame->bytes.size() != item.bytes.size())
    return refuse(item, reason::kNotAFrame,
                  frame ? "bytes behind the frame" : frame.error().message);
  if (item.case_id.is_nil()) return refuse(item, reason::kNoCase);
  if (frame->header.kind == frame::Kind::kDraft) {
    ++progress.drafts;
    return done(item, Outcome::kIgnored);
  }
  if (const auto wrong = check(*frame, item.case_id))
    return refuse(item, wrong->code, wrong->detail);
  auto taken = take_parsed(item, *frame);
  // What cannot be read of one case stops that case alone.
  if (!taken && taken.error().code == Code::kCorrupt) return refuse(item, reason::kCaseDamaged, "");
  return taken;
}

Result<Outcome> Intake::take_parsed(Item& item, const frame::View& frame) {
  CASEBOX_TRY(CaseState * known, state(item.case_id, item.partition));
  EpochState* epoch = known == nullptr ? nullptr : known->find(frame.header.epoch);
  if (epoch == nullptr) return take_unknown(item, frame);
  return take_known(item, frame, *known, *epoch);
}

Result<Outcome> Intake::take_known(Item& item, const frame::View& frame, CaseState& state,
                                   EpochState& epoch) {
  const frame::Header& h = frame.header;
  if (h.has(frame::flag::kDerived) != epoch.derived) return refuse(item, reason::kWrongFlag);
  StreamState* stream = epoch.find(h.stream);
  if (epoch.ended && h.next() > epoch.limit(h.stream)) return refuse(item, reason::kAfterEnd);
  if (stream == nullptr) return refuse(item, reason::kAwaitingStream);
  CASEBOX_CHECK(state.ensure(epoch, *stream));
  bool signed_beat = false;
  if (h.kind == frame::Kind::kBeat &&
      (epoch.contested || epoch.close_number || epoch.beats_unchecked >= kBeatsUnchecked)) {
    const auto beat = beat_of(frame);
    if (!beat || !beat_holds(frame, *beat, state.id(), epoch.producer, epoch.record->signing_key()))
      return refuse(item, reason::kBadSignature);
    signed_beat = true;
  }
  return place(item, frame, state, epoch, *stream, signed_beat);
}

/// What stands where the frame would. `known`: the same frame.
Result<bool> Intake::clashes(const frame::View& frame, const Digest& leaf, CaseState& state,
                             EpochState& epoch, StreamState& stream,
                             std::vector<storage::Placed>& there, bool& known) {
  const frame::Header& h = frame.header;
  if (!stream.overlaps(h.first.value, h.next())) return false;
  for (const storage::Placed& row : stream.fresh)
    if (row.first.value < h.next() && row.next() > h.first.value) there.push_back(row);
  CASEBOX_TRY(const auto stored, state.shard().placed(state.id(), epoch.record->index(), stream.id,
                                                      h.first, h.next(), 64));
  there.insert(there.end(), stored.begin(), stored.end());
  known = there.size() == 1 && there[0].first == h.first && there[0].leaf == leaf;
  return !there.empty();
}

Result<Outcome> Intake::place(Item& item, const frame::View& frame, CaseState& state,
                              EpochState& epoch, StreamState& stream, bool signed_beat) {
  const frame::Header& h = frame.header;
  const Digest leaf = frame::leaf_hash(frame);
  std::vector<storage::Placed> there;
  bool known = false;
  CASEBOX_TRY(const bool clash, clashes(frame, leaf, state, epoch, stream, there, known));
  if (known) {
    // A row that cannot be read any more is written anew.
    const bool fresh =
        !stream.fresh.empty() &&
        std::ranges::any_of(stream.fresh, [&](const auto& row) { return row.first == h.first; });
    if (!fresh) {
      const auto stored = state.shard().find_frame(state.id(), epoch.record->index(),
                                                   there[0].table, stream.id, h.first);
      if (stored ? !*stored : stored.error().code == Code::kCorrupt) {
        storage::Trailer trailer;
        trailer.source = item.source;
        trailer.offset = item.offset;
        CASEBOX_CHECK(batch(state.shard())
                          .put_frame(state.id(), epoch.record->index(), there[0].table, frame,
                                     trailer, &leaf));
        ++progress.mended;
      } else if (!stored) {
        return stored.error();
      }
    }
    ++progress.duplicates;
    return done(item, Outcome::kKnown);
  }
  if (clash && signed_beat) {
    // It signs for itself: what has its number without a signature is not the producer's.
    CASEBOX_CHECK(write({}));
    bool theirs = there.size() == 1;
    if (theirs) {
      CASEBOX_TRY(theirs, is_beat_of(there[0], state, epoch));
    }
    if (!theirs && h.first.value >= stream.confirmed.next) {
      for (const storage::Placed& row : there) CASEBOX_CHECK(lose(state, epoch, stream, row));
      CASEBOX_CHECK(write({}));
      CASEBOX_CHECK(read_control_anew(state, epoch));
      CASEBOX_CHECK(state.follow_anew(epoch, stream));
      return place(item, frame, state, epoch, stream, true);
    }
  }
  if (clash) {
    if (h.first.value < stream.confirmed.next) return refuse(item, reason::kNotSigned);
    epoch.contested = true;
    if (!stream.signed_ahead.empty()) {
      state.add_work(epoch, stream);
      list(state);
    }
    return refuse(item, reason::kEquivocation);
  }
  if (stream.makes_island(h.first.value, h.next()) && stream.islands.size() >= kMaxHoles)
    return refuse(item, reason::kTooManyHoles);
  if (h.kind == frame::Kind::kStream) {
    v1::Stream entry;
    (void)entry.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
    const StreamId id{entry.stream_id()};
    const bool fresh = epoch.find(id) == nullptr;
    if (fresh && epoch.streams.size() >= kMaxStreams) return refuse(item, reason::kTooManyStreams);
    if (!state.name_stream(epoch, std::move(entry))) return refuse(item, reason::kStreamChanged);
    if (fresh && state.waiting) pumps_.push_back({state.id(), item.partition, epoch.id, id});
  }
  if (auto close = close_of(frame)) {
    epoch.close_number = h.first.value;
    epoch.close = std::move(*close);
    epoch.close_leaf = leaf;
    state.add_work(epoch, stream);
  }
  std::optional<v1::Beat> beat;
  if (signed_beat) {
    beat = beat_of(frame);
    epoch.beats_unchecked = 0;
    CASEBOX_CHECK(take_signed(*beat, state, epoch));
  } else if (h.kind == frame::Kind::kBeat && epoch.beats_unchecked < UINT32_MAX) {
    ++epoch.beats_unchecked;
  }
  auto stored = store_frame(item, frame, leaf, state, epoch, stream);
  if (stored && beat) {
    maybe_end(state, epoch, *beat, h.first.value);
    // A beat that was missing comes behind later ones.
    if (!epoch.ended && (!epoch.last_beat || epoch.last_beat->second < h.first.value))
      epoch.last_beat.emplace(std::move(*beat), h.first.value);
  }
  return stored;
}

Result<Outcome> Intake::store_frame(Item& item, const frame::View& frame, const Digest& leaf,
                                    CaseState& state, EpochState& epoch, StreamState& stream) {
  const frame::Header& h = frame.header;
  const auto table = h.stream == kControlStream ? storage::Table::kEvent
                                                : table_of(stream.record->stream().kind());
  storage::Trailer trailer;
  trailer.source = item.source;
  trailer.offset = item.offset;
  trailer.gap_before = h.first.value > stream.chain.next;
  // A study goes on whenever it is run again: nothing of it is late.
  trailer.late = state.record().state() == v1::CASE_STATE_CLOSED && !epoch.derived &&
                 storage::is_operation(state.record());
  const auto put = batch(state.shard())
                       .put_frame(state.id(), epoch.record->index(), table, frame, trailer, &leaf);
  if (!put && put.error().code == Code::kInvalidArgument)
    return refuse(item, reason::kNumberRange, put.error().message);
  if (!put) return put.error();
  state.count(frame, stream, {h.first, h.count, leaf, table, h.t});
  const bool joins = !stream.islands.empty() && stream.islands.begin()->first <= stream.chain.next;
  const bool passes =
      !stream.signed_ahead.empty() && stream.chain.next >= stream.signed_ahead.front().next;
  if (joins || passes) state.add_work(epoch, stream);
  list(state);
  media_only_ = media_only_ && table == storage::Table::kMedia;
  ++progress.frames;
  progress.bytes += frame.bytes.size();
  return done(item, Outcome::kStored);
}

/// Whether a stored frame is a beat whose own signature holds.
Result<bool> Intake::is_beat_of(const storage::Placed& placed, CaseState& state,
                                EpochState& epoch) {
  CASEBOX_TRY(const auto stored,
              state.shard().find_frame(state.id(), epoch.record->index(), placed.table,
                                       kControlStream, placed.first));
  if (!stored) return false;
  const auto frame = stored->view();
  const auto beat = beat_of(frame);
  return beat && beat_holds(frame, *beat, state.id(), epoch.producer, epoch.record->signing_key());
}

/// Notes what a beat says of each stream. Where a chain stands at that place the heads are
/// compared; elsewhere the place is looked at when all is written.
Result<void> Intake::take_signed(const v1::Beat& beat, CaseState& state, EpochState& epoch) {
  for (const auto& position : beat.positions()) {
    StreamState* stream = epoch.find(StreamId{position.stream_id()});
    const auto head = to_digest(position.head());
    if (stream == nullptr || !head) continue;
    CASEBOX_CHECK(state.ensure(epoch, *stream));
    const Position at{position.next_number(), *head};
    if (at.next <= stream->confirmed.next) continue;
    if (at == stream->chain) {
      stream->confirmed = at;
      std::erase_if(stream->signed_ahead, [&](const Position& p) { return p.next <= at.next; });
      continue;
    }
    auto& ahead = stream->signed_ahead;
    if (!ahead.empty() && ahead.back().next >= at.next) continue;
    // A lane that lags behind its beats is checked at fewer of them.
    if (ahead.size() >= 64)
      for (size_t i = 0; i + 1 < ahead.size(); ++i)
        ahead.erase(ahead.begin() + static_cast<ptrdiff_t>(i));
    ahead.push_back(at);
    if (stream->chain.next >= at.next || epoch.contested) {
      state.add_work(epoch, *stream);
      list(state);
    }
  }
  return ok();
}

/// An epoch ends when a beat covers its close frame and the control frames before that beat are
/// those that were signed.
void Intake::maybe_end(CaseState& state, EpochState& epoch, const v1::Beat& beat, uint64_t number) {
  if (epoch.ended || !epoch.close_number || *epoch.close_number >= number ||
      epoch.control.confirmed.next < number)
    return;
  epoch.ended = true;
  epoch.close_number.reset();
  *epoch.record->mutable_close() = epoch.close;
  for (const auto& position : beat.positions())
    epoch.limits[position.stream_id()] = position.next_number();
  epoch.limits[0] = number + 1;
  state.dirty = true;
  list(state);
  state.add_work(epoch, epoch.control);
  for (auto& [id, stream] : epoch.streams) state.add_work(epoch, stream);
  if (state.waiting)
    pumps_.push_back({state.id(), state.record().partition(), epoch.id, std::nullopt});
}

/// Rows of the batch become visible; `state` and `stream` stay what they are.
Result<void> Intake::write(const std::map<std::string, uint64_t>& offsets,
                           const std::map<std::string, storage::SourceMark>& marks) {
  CASEBOX_CHECK(flush_pools());
  for (CaseState* state : listed_) {
    state->update_state();
    for (const auto& covered : std::exchange(state->covered, {}))
      batch(state->shard())
          .put_epoch_closed(state->id(), covered.epoch, covered.role, covered.leaf);
    if (state->dirty) batch(state->shard()).put_case(state->record());
  }
  if (batches_.empty() && offsets.empty()) return ok();
  storage::Shard& first = store_.shard(0);
  for (auto it = batches_.begin(); it != batches_.end();) {
    if (it->first == &first) {
      ++it;
      continue;
    }
    // Each shard says up to where it has everything, should it lose its newest commits.
    for (const auto& [source, next] : offsets) it->second.put_offset(source, next);
    CASEBOX_CHECK(it->first->commit(std::move(it->second)));
    it = batches_.erase(it);
  }
  auto& last = batch(first);
  for (const auto& [source, next] : offsets) last.put_offset(source, next);
  for (const auto& [source, mark] : marks) last.put_mark(source, mark);
  CASEBOX_CHECK(first.commit(std::move(last)));
  batches_.clear();
  media_only_ = true;
  for (CaseState* state : listed_) {
    state->dirty = false;
    for (StreamState* stream : state->fresh) stream->fresh.clear();
    state->fresh.clear();
    if (std::exchange(state->just_closed, false) && storage::is_operation(state->record()))
      closed.push_back(state->id());
  }
  ++progress.commits;
  bool again = false;
  for (CaseState* state : listed_) {
    if (!state->consent_lost && !state->times_lost) continue;
    CASEBOX_CHECK(state->read_anew());
    again = true;
  }
  return again ? write({}) : ok();
}

void Intake::reset() {
  batches_.clear();
  listed_.clear();
  cases_.clear();
  pools_.clear();
  pools_held_ = 0;
  pumps_.clear();
  media_only_ = true;
  progress = committed;
}

}  // namespace casebox::ingest
