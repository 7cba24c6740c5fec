// Epochs that are not let in yet. An epoch is let in when its opening is enrolled and a beat whose
// signature holds under the opening's key signs for the control frames from it on: whoever only
// copied a public key cannot make such a beat. In a recorder's stream that is within its first
// second, so what is held here is little; it lies in the batch and, once that is written, in rows.
#include <algorithm>
#include <set>
#include <utility>

#include "ingest/internal/intake.h"
#include "proto/frame/role.h"

namespace casebox::ingest {
namespace {

// What one try looks at: a stranger's junk beyond that can hold up its own epoch alone.
constexpr size_t kMaxCandidates = 4096;
constexpr size_t kMaxOpeners = 8;  // producers and keys that openings name
constexpr size_t kMaxBeats = 256;
constexpr size_t kMaxRecalled = 16;  // rows that may tell whether an opening was refused
constexpr int kMaxTries = 4;         // between two writes
// Epochs with something held; beyond, what is known of them is read from their rows again.
constexpr size_t kMaxPools = 4096;

}  // namespace

/// Empty if its opening may open it. A recorder's epoch begins when its own clock says, so that a
/// log may be read again after its producer's enrolment ended; others say no such time.
std::string Intake::refusal_of(const v1::CaseFrame& open, const frame::Header& header,
                               uint32_t partition) const {
  UtcTime begins = clock_.utc();
  if (open.role() == v1::PRODUCER_ROLE_RECORDER && open.start_utc_ns() != 0 &&
      open.start_utc_ns() < uint64_t{INT64_MAX} / 2)
    begins.ns = static_cast<int64_t>(open.start_utc_ns()) + header.t.ns;
  std::string code = trust_.refusal(open, begins);
  if (!code.empty()) return code;
  const auto shards = static_cast<uint32_t>(store_.shards());
  if (open.partition() % shards != partition % shards) return reason::kWrongPartition;
  if (header.has(frame::flag::kDerived) != frame::is_derived(open.role()))
    return reason::kWrongFlag;
  return "";
}

/// What rows tell of an epoch that nothing is held of: whether its opening was refused. The list of
/// today decides and not the reason of the row, and one opening that may stand is enough: anybody
/// can send another under the same number.
Result<void> Intake::recall(CaseId id, Epoch epoch, Pool& pool) {
  for (bool waiting : {true, false}) {
    storage::QuarantineQuery query;
    query.waiting = waiting;
    query.case_id = id;
    query.epoch = epoch;
    query.stream = kControlStream;
    query.max_rows = kMaxRecalled;
    CASEBOX_TRY(const auto page, store_.shard(pool.partition).quarantine(query));
    for (const auto& row : page.items) {
      if (!waiting && !is_refusal(row.reason)) continue;
      const auto frame = frame::parse(row.bytes);
      const auto open = frame ? opening_of(*frame) : std::nullopt;
      if (open && refusal_of(*open, frame->header, pool.partition).empty()) {
        pool.opening = pool.retry = true;
        pool.refused.clear();
        return ok();
      }
      if (pool.refused.empty() && is_refusal(row.reason)) pool.refused = row.reason;
    }
  }
  return ok();
}

Result<Outcome> Intake::take_unknown(Item& item, const frame::View& frame) {
  const frame::Header& h = frame.header;
  const CaseId id = item.case_id;
  const uint32_t partition = item.partition;
  auto [it, fresh] = pools_.try_emplace({id, h.epoch.value});
  Pool& pool = it->second;
  pool.partition = partition;
  if (fresh) CASEBOX_CHECK(recall(id, h.epoch, pool));
  const auto open = opening_of(frame);
  if (open) {
    const std::string code = refusal_of(*open, h, partition);
    if (!code.empty()) {
      if (!pool.opening) pool.refused = code;
      return refuse(item, code);
    }
    pool.opening = true;
    pool.refused.clear();
  }
  if (!pool.refused.empty()) return refuse(item, pool.refused);
  if (!item.key.empty()) return refuse(item, item.reason);  // stands where it stood
  pool.items.push_back(std::move(item));
  ++pools_held_;
  if (h.stream != kControlStream) return Outcome::kHeld;
  pool.retry = true;
  const bool may_complete = open || h.kind == frame::Kind::kBeat;
  if (may_complete && pool.tries++ < kMaxTries) CASEBOX_CHECK(try_admit(id, h.epoch, partition));
  return Outcome::kHeld;
}

/// Control frames of an epoch, held or in rows.
Result<std::vector<Intake::Candidate>> Intake::candidates(CaseId id, Epoch epoch,
                                                          uint32_t partition) {
  std::vector<Candidate> out;
  if (const auto pool = pools_.find({id, epoch.value}); pool != pools_.end()) {
    for (size_t i = 0; i < pool->second.items.size() && out.size() < kMaxCandidates; ++i) {
      const auto header = frame::parse_header(pool->second.items[i].bytes);
      if (header && header->stream == kControlStream)
        out.push_back({pool->second.items[i], true, i});
    }
  }
  for (bool waiting : {true, false}) {
    storage::QuarantineQuery query;
    query.waiting = waiting;
    query.case_id = id;
    query.epoch = epoch;
    query.stream = kControlStream;
    query.max_rows = kMaxCandidates;
    query.max_bytes = 16u << 20;
    CASEBOX_TRY(auto page, store_.shard(partition).quarantine(query));
    for (auto& row : page.items) {
      if (out.size() >= kMaxCandidates || (!waiting && !is_refusal(row.reason))) continue;
      out.push_back({{id, partition, std::move(row.bytes), row.source, row.offset, row.when,
                      row.key, row.reason},
                     false,
                     0});
    }
  }
  return out;
}

/// Lets an epoch in if something that is held or waits signs for its opening.
Result<bool> Intake::try_admit(CaseId id, Epoch epoch, uint32_t partition) {
  CASEBOX_TRY(auto all, candidates(id, epoch, partition));
  std::vector<frame::View> views;
  std::vector<size_t> beats;
  // Openings that name the same producer and key are alternatives: the head that a beat signs says
  // which of them is theirs. So copies, whoever sent them first, hold up nothing.
  std::map<std::pair<ProducerId, std::string>, std::set<size_t>> openings;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto frame = frame::parse(all[i].item.bytes);
    const bool sound =
        frame && frame->bytes.size() == all[i].item.bytes.size() && !check(*frame, id);
    views.push_back(sound ? *frame : frame::View{});
    if (!sound) continue;
    if (const auto open = opening_of(*frame);
        open && refusal_of(*open, frame->header, partition).empty()) {
      const auto producer = id_from_bytes<ProducerId>(open->producer_id());
      const std::pair who(producer ? *producer : ProducerId{}, open->signing_key());
      if (openings.contains(who) || openings.size() < kMaxOpeners) openings[who].insert(i);
    }
    if (frame->header.kind == frame::Kind::kBeat && beats.size() < kMaxBeats) beats.push_back(i);
  }
  if (openings.empty() || beats.empty()) return false;
  std::ranges::stable_sort(beats, {}, [&](size_t i) { return views[i].header.first.value; });
  std::vector<Digest> leaves(all.size());
  for (size_t i = 0; i < all.size(); ++i)
    if (!views[i].bytes.empty()) leaves[i] = frame::leaf_hash(views[i]);
  // Several may have taken the same number. Who owns a case goes first: a derived epoch waits for
  // it and may not keep it out.
  std::vector<std::pair<bool, decltype(openings)::const_iterator>> order;
  for (auto it = openings.cbegin(); it != openings.cend(); ++it) {
    const auto open = opening_of(views[*it->second.begin()]);
    order.emplace_back(open && !frame::owns_case(open->role()), it);
  }
  std::ranges::stable_sort(order, {}, [](const auto& one) { return one.first; });
  for (const auto& [derived, opener] : order) {
    const auto& [who, theirs] = *opener;
    const auto& [producer, signing_key] = who;
    Links links;
    for (size_t i = 0; i < all.size(); ++i) {
      const frame::Header& h = views[i].header;
      if (views[i].bytes.empty() || (h.first.value == 0 && !theirs.contains(i))) continue;
      links[h.first.value].push_back({h.next(), leaves[i], i});
    }
    for (size_t b : beats) {
      const auto beat = beat_of(views[b]);
      if (!beat || !beat_holds(views[b], *beat, id, producer, signing_key)) continue;
      const v1::StreamPosition* own = control_position(*beat);
      const auto head = to_digest(own->head());
      const auto path = head
                            ? find_path({0, frame::first_head(producer, id, kControlStream, epoch)},
                                        {own->next_number(), *head}, links, kSearchBudget)
                            : std::nullopt;
      if (!path || path->empty()) continue;
      std::vector<Candidate> way;
      for (size_t i : *path) way.push_back(all[i]);
      way.push_back(all[b]);
      const auto open = opening_of(views[path->front()]);
      if (!open) continue;
      CASEBOX_TRY(const bool in, admit(id, epoch, partition, *open, way));
      if (in) return true;
      break;  // the next one who signs for it
    }
  }
  return false;
}

/// `way`: the control frames from the opening to the beat that signs for them, and that beat.
Result<bool> Intake::admit(CaseId id, Epoch epoch, uint32_t partition, const v1::CaseFrame& open,
                           std::vector<Candidate>& way) {
  CASEBOX_TRY(CaseState * known, state(id, partition));
  Pool& pool = pools_[{id, epoch.value}];
  const bool owner = frame::owns_case(open.role());
  pool.retry = false;
  if (known == nullptr && !owner) return false;  // waits for its case
  if (known != nullptr) {
    std::string against;
    known->update_state();  // of what the batch holds
    if (known->record().epochs_size() >= kMaxEpochs) against = reason::kTooManyEpochs;
    // Who recorded a case may go on with it; nobody else adds to one that ended.
    if (owner && known->record().state() == v1::CASE_STATE_CLOSED &&
        storage::is_operation(known->record()) &&
        std::ranges::none_of(known->record().epochs(), [&](const v1::EpochRecord& e) {
          return e.signing_key() == open.signing_key();
        }))
      against = reason::kCaseEnded;
    if (!against.empty()) {
      pool.refused = against;
      return false;
    }
  }
  const bool fresh = known == nullptr;
  if (fresh) {
    v1::CaseRecord record;
    record.set_case_id(Bytes(id.view()));
    record.set_partition(partition);
    CASEBOX_TRY(auto made, CaseState::load(id, std::move(record), store_.shard(partition)));
    known = cases_.emplace(id, std::move(made)).first->second.get();
    known->used = ++use_;
  }
  EpochState& state = known->add(epoch, open);
  known->record().set_partition(partition);
  CASEBOX_CHECK(known->ensure(state, state.control));
  if (const auto first = frame::parse(way.front().item.bytes))
    batch(known->shard()).put_epoch_opened(id, epoch, open.role(), frame::leaf_hash(*first));
  std::vector<Item> held = std::move(pool.items);
  pools_held_ -= held.size();
  pools_.erase({id, epoch.value});
  std::vector<bool> taken(held.size());
  for (Candidate& step : way) {
    if (step.held) taken[step.place] = true;
    const auto frame = frame::parse(step.item.bytes);
    if (!frame) continue;
    CASEBOX_CHECK(take_known(step.item, *frame, *known, state));
  }
  for (size_t i = 0; i < held.size(); ++i)
    if (!taken[i]) CASEBOX_CHECK(take(std::move(held[i])));
  pumps_.push_back({id, partition, epoch, std::nullopt});
  if (fresh) CASEBOX_CHECK(try_waiting(id, partition));
  return true;
}

/// A case is here: derived epochs that came before it may be let in.
Result<void> Intake::try_waiting(CaseId id, uint32_t partition) {
  std::vector<Epoch> epochs;
  for (const auto& [key, pool] : pools_)
    if (key.first == id) epochs.push_back(Epoch{key.second});
  CASEBOX_TRY(const auto rows, store_.shard(partition).quarantined_epochs(id, kMaxEpochs));
  for (Epoch epoch : rows)
    if (std::ranges::find(epochs, epoch) == epochs.end()) epochs.push_back(epoch);
  for (Epoch epoch : epochs) {
    CASEBOX_TRY(CaseState * known, state(id, partition));
    if (known != nullptr && known->find(epoch) == nullptr)
      CASEBOX_CHECK(try_admit(id, epoch, partition));
  }
  return ok();
}

/// Before a write: one more try where control frames came, and rows for what is still held.
Result<void> Intake::flush_pools() {
  std::vector<std::pair<PoolKey, uint32_t>> retry;
  for (const auto& [key, pool] : pools_)
    if (pool.retry) retry.emplace_back(key, pool.partition);
  for (const auto& [key, partition] : retry) {
    auto it = pools_.find(key);
    if (it == pools_.end()) continue;
    it->second.retry = false;
    CASEBOX_CHECK(try_admit(key.first, Epoch{key.second}, partition));
  }
  for (auto& [key, pool] : pools_) {
    pool.tries = 0;
    if (pool.items.empty()) continue;
    std::string code = pool.refused;
    if (code.empty()) {
      CASEBOX_TRY(CaseState * known, state(key.first, pool.partition));
      code = reason::kAwaitingEpoch;
      for (const Item& item : pool.items) {
        if (known != nullptr) break;
        const auto header = frame::parse_header(item.bytes);
        if (header && header->has(frame::flag::kDerived)) code = reason::kAwaitingCase;
        break;
      }
    }
    for (Item& item : pool.items) CASEBOX_CHECK(refuse(item, code));
    pools_held_ -= pool.items.size();
    pool.items.clear();
  }
  if (pools_.size() > kMaxPools) pools_.clear();
  return ok();
}

}  // namespace casebox::ingest
