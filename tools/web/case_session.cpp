#include "tools/web/case_session.h"

#include <algorithm>

#include "proto/seal/seal.h"
#include "storage/case_record.h"
#include "storage/found.h"
#include "storage/verify/operations.h"
#include "tools/cli/names.h"

namespace casebox::tools::web {

constexpr double kOverviewCell = 0.5;  // s; half a pixel of a 13 minute window on a wide screen

Result<CaseId> resolve_case(const storage::Store& store, const std::string& text) {
  if (auto id = parse_id<CaseId>(text)) {
    CASEBOX_TRY(auto record, store.find_case(*id));
    if (record) {
      CASEBOX_TRY(const bool study, storage::is_proven_study(store, *record));
      if (!study) return *id;
    }
    return Error{Code::kNotFound, "case: not in this store; see the case list"};
  }
  const bool prefix = text.size() >= 4 && text.size() < 36 &&
                      text.find_first_not_of("0123456789abcdef-") == std::string::npos;
  if (!prefix)
    return Error{
        Code::kInvalidArgument,
        "case: neither a case id nor a prefix of at least 4 hex digits; see the case list"};
  CASEBOX_TRY(auto records, storage::proven_operations(store));
  std::optional<CaseId> found;
  for (const v1::CaseRecord& record : records) {
    CASEBOX_TRY(auto id, id_from_bytes<CaseId>(record.case_id()));
    if (to_string(id).compare(0, text.size(), text) != 0) continue;
    if (found) return Error{Code::kInvalidArgument, "case: several ids begin so; give more digits"};
    found = id;
  }
  if (!found) return Error{Code::kNotFound, "case: not in this store; see the case list"};
  return *found;
}

Result<const CaseView*> OpenCase::view() {
  if (!view_) {
    CASEBOX_TRY(auto view, gather_case(*reader_));
    view_ = std::make_unique<CaseView>(std::move(view));
  }
  take_verdict(*reader_, *view_);
  return static_cast<const CaseView*>(view_.get());
}

Error unreadable(const OpenCase& open, const CaseView& view) {
  const auto readable = open.reader().readable();
  const bool refused = !readable && readable.error().code == Code::kRefused;
  return {refused ? Code::kRefused : Code::kDenied, view.unreadable_reason};
}

Result<const std::vector<FragmentInfo>*> OpenCase::fragments(const std::string& stream) {
  auto it = fragments_.find(stream);
  if (it != fragments_.end()) return static_cast<const std::vector<FragmentInfo>*>(&it->second);
  const auto found = reader_->find_stream(stream);
  if (!found || (found->kind() != v1::STREAM_KIND_VIDEO && found->kind() != v1::STREAM_KIND_AUDIO))
    return Error{Code::kNotFound, "media: the case has no such video; see its streams"};
  std::vector<FragmentInfo> list;
  bool inside = false;  // of a packet that is split over several frames
  Epoch epoch;          // of the last frame, and the number behind it
  uint64_t next = 0;
  CASEBOX_CHECK(reader_->media_headers(stream, [&](const frame::Header& header) -> Result<void> {
    if (header.kind != frame::Kind::kData || header.has(frame::flag::kDerived)) return ok();
    if (inside && !list.empty()) {
      list.back().bytes += header.body_size;
    } else {
      // Where nothing is missing between them, a picture is shown until the next one.
      if (!list.empty() && header.epoch == epoch && header.first.value == next)
        list.back().duration_s =
            std::max(list.back().duration_s, header.t.seconds() - list.back().t_s);
      list.push_back({header.t.seconds(), header.duration_us * 1e-6, header.has(frame::flag::kSync),
                      header.body_size, header.t.ns});
    }
    epoch = header.epoch;
    next = header.next();
    if (header.has(frame::flag::kFirst)) inside = true;
    if (header.has(frame::flag::kLast)) inside = false;
    return ok();
  }));
  auto& kept = fragments_[stream] = std::move(list);
  return static_cast<const std::vector<FragmentInfo>*>(&kept);
}

Result<const Overview*> OpenCase::overview(const std::string& stream, const std::string& channel) {
  const std::string key = stream + "/" + channel;
  auto it = overviews_.find(key);
  if (it == overviews_.end()) {
    const v1::CaseRecord& record = reader_->record();
    Overview built(seconds_of(record.first_t_ns()), seconds_of(record.last_t_ns()) + 1e-3,
                   kOverviewCell);
    CASEBOX_CHECK(
        reader_->samples(stream, channel, {}, [&](const storage::SampleRun& run) -> Result<void> {
          for (size_t i = 0; i < run.values.size(); ++i) built.add(time_of(run, i), run.values[i]);
          return ok();
        }));
    it = overviews_.emplace(key, std::move(built)).first;
  }
  return static_cast<const Overview*>(&it->second);
}

double time_of(const storage::SampleRun& run, size_t i) {
  if (i < run.times.size()) return run.times[i].seconds();
  return run.t0.seconds() + (run.rate_hz > 0 ? static_cast<double>(i) / run.rate_hz : 0);
}

Result<CaseSessions::Lease> CaseSessions::open(const std::string& id, bool unproven) {
  return lease(id, false, unproven);
}
Result<CaseSessions::Lease> CaseSessions::reopen(const std::string& id, bool unproven) {
  return lease(id, true, unproven);
}

Result<std::optional<trust::TrustList>> CaseSessions::trusted() const {
  return trust_ ? trust_() : std::optional<trust::TrustList>();
}

Result<verify::Verdict> CaseSessions::verdict(const v1::CaseRecord& record) {
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
  const Digest row = seal::sha256(record.SerializeAsString());
  {
    std::lock_guard lock(mutex_);
    const auto known = verdicts_.find(id);
    if (known != verdicts_.end() && known->second.first == row)
      return storage::with_found(store_.dir(), id, known->second.second);
  }
  CASEBOX_TRY(const auto list, trusted());
  verify::Options how;
  how.trust = list ? &*list : nullptr;
  CASEBOX_TRY(const auto found, storage::verify_case(store_, id, how, storage::Depth::kLeaves));
  std::lock_guard lock(mutex_);
  verdicts_[id] = {row, found.report.verdict};
  return storage::with_found(store_.dir(), id, found.report.verdict);
}

Result<CaseSessions::Lease> CaseSessions::lease(const std::string& text, bool anew, bool unproven) {
  CASEBOX_TRY(auto id, resolve_case(store_, text));
  std::shared_ptr<Entry> entry;
  {
    std::lock_guard lock(mutex_);
    auto it = std::find_if(entries_.begin(), entries_.end(),
                           [&](const auto& e) { return e->id == id && e->unproven == unproven; });
    if (it == entries_.end()) {
      entries_.push_front(std::make_shared<Entry>());
      entries_.front()->id = id;
      entries_.front()->unproven = unproven;
      if (entries_.size() > options_.max_open) entries_.pop_back();
    } else {
      entries_.splice(entries_.begin(), entries_, it);
    }
    entry = entries_.front();
  }
  Lease lease{entry, std::unique_lock(entry->mutex), nullptr};
  const MonoTime now = clock_.mono();
  if (entry->open) {
    const bool closed = entry->open->reader().record().state() == v1::CASE_STATE_CLOSED;
    const Duration limit = closed ? options_.renew_closed_case : options_.renew_open_case;
    CASEBOX_TRY(const auto row, store_.find_case(id));
    // What was opened under another consent is asked for anew.
    const bool other = row && storage::is_operation(*row) && storage::row_tells_consent(*row) &&
                       access::consent_of(*row) != entry->open->reader().consent();
    const auto allowed =
        keyring_.gate().verdict(keyring::Purpose::kReplay, entry->open->reader().consent());
    // And so is one that another access.yaml is about.
    const bool other_reader = !(allowed == entry->allowed);
    if (anew || other || other_reader || now - entry->opened > limit) entry->open.reset();
  }
  if (!entry->open) {
    CASEBOX_TRY(const auto list, trusted());
    storage::OpenOptions how;
    how.trust = list ? &*list : nullptr;
    how.show_unproven = unproven;
    CASEBOX_TRY(auto reader,
                storage::CaseReader::open(store_, id, keyring_, keyring::Purpose::kReplay, how));
    entry->allowed = keyring_.gate().verdict(keyring::Purpose::kReplay, reader->consent());
    entry->open = std::make_unique<OpenCase>(store_, std::move(reader));
    entry->opened = now;
  }
  storage::keep_found(store_.dir(), id, entry->open->reader().verdict());
  lease.open = entry->open.get();
  return lease;
}

}  // namespace casebox::tools::web
