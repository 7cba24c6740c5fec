#include "storage/case_record.h"

#include <algorithm>
#include <tuple>

#include "proto/frame/role.h"

namespace casebox::storage {

void take_opening(v1::CaseRecord& record, v1::EpochRecord& epoch, const v1::CaseFrame& open) {
  epoch.set_role(open.role());
  epoch.set_producer_id(open.producer_id());
  epoch.set_signing_key(open.signing_key());
  epoch.set_sealed_epoch_key(open.sealed_epoch_key());
  if (record.case_public_key().empty()) record.set_case_public_key(open.case_public_key());
  if (!frame::owns_case(open.role())) return;
  for (const auto& other : record.epochs())
    if (other.index() < epoch.index() && frame::owns_case(other.role())) return;
  record.set_procedure(open.procedure());
  record.set_room(open.room());
  record.set_partition(open.partition());
  record.set_start_utc_ns(open.start_utc_ns());
  record.set_start_utc_u95_ns(open.start_utc_u95_ns());
  record.set_case_public_key(open.case_public_key());
  record.set_source_digest(open.source_digest());
  record.set_kind(open.kind());
}

namespace {

/// Whether a data frame of the recorder was counted before; times of zero alone do not tell.
bool has_data(const v1::CaseRecord& record) {
  for (const auto& row : record.streams()) {
    if (row.items() == 0) continue;
    for (const auto& epoch : record.epochs())
      if (epoch.epoch() == row.epoch() && frame::owns_case(epoch.role())) return true;
  }
  return false;
}

}  // namespace

void count_frame(v1::CaseRecord& record, v1::StreamRecord& row, const frame::Header& h,
                 const v1::Gap* gap) {
  const bool times = record.first_t_ns() != 0 || record.last_t_ns() != 0 || has_data(record);
  if (row.frames() == 0 || h.t.ns < row.first_t_ns()) row.set_first_t_ns(h.t.ns);
  if (row.frames() == 0 || h.end().ns > row.last_t_ns()) row.set_last_t_ns(h.end().ns);
  row.set_frames(row.frames() + 1);
  row.set_bytes(row.bytes() + frame::kHeaderSize + h.body_size);
  record.set_frames(record.frames() + 1);
  if (gap != nullptr) {
    row.set_gap_frames(row.gap_frames() + 1);
    if (gap->count_unknown()) {
      row.set_unknown_gaps(row.unknown_gaps() + 1);
    } else {
      row.set_missing(row.missing() + gap->missing());
    }
  } else if (h.stream != kControlStream) {
    row.set_items(row.items() + h.count);
  }
  // What is derived never moves the case's own times.
  if (h.has(frame::flag::kDerived) || h.stream == kControlStream || h.kind != frame::Kind::kData)
    return;
  if (!times || h.t.ns < record.first_t_ns()) record.set_first_t_ns(h.t.ns);
  if (!times || h.end().ns > record.last_t_ns()) record.set_last_t_ns(h.end().ns);
}

void settle(v1::CaseRecord& record) {
  bool recorder = false;
  bool all = true;
  bool ended = false;
  for (auto& epoch : *record.mutable_epochs()) {
    if (epoch.has_close() && !epoch.closed()) {
      bool reached = true;
      for (const auto& position : epoch.close().positions()) {
        uint64_t next = position.stream_id() == 0 ? epoch.control().next_number() : 0;
        for (const auto& row : record.streams())
          if (position.stream_id() != 0 && row.epoch() == epoch.epoch() &&
              row.stream().stream_id() == position.stream_id())
            next = row.next_number();
        reached = reached && next >= position.next_number();
      }
      epoch.set_closed(reached);
    }
    if (!frame::owns_case(epoch.role())) continue;
    recorder = true;
    all = all && epoch.closed();
    ended =
        ended || (epoch.closed() && epoch.close().reason() == v1::CloseFrame::REASON_CASE_ENDED);
  }
  record.set_state(!recorder || !all ? v1::CASE_STATE_OPEN
                   : ended           ? v1::CASE_STATE_CLOSED
                                     : v1::CASE_STATE_UNCLOSED);
}

namespace {

const v1::EpochRecord* find_epoch(const v1::CaseRecord& record, uint64_t epoch) {
  for (const auto& one : record.epochs())
    if (one.epoch() == epoch) return &one;
  return nullptr;
}

/// Acts of custody come after the recording, so no recorder's word stands against them.
auto order(const v1::CaseRecord& record, const v1::ConsentInForce& consent) {
  const v1::EpochRecord* epoch = find_epoch(record, consent.epoch());
  return std::make_tuple(epoch != nullptr && frame::is_derived(epoch->role()), consent.t_ns(),
                         epoch == nullptr ? 0 : epoch->index(), consent.number());
}

}  // namespace

void take_consent(v1::CaseRecord& record, const frame::View& frame) {
  const frame::Header& h = frame.header;
  if (h.kind != frame::Kind::kConsent) return;
  const v1::EpochRecord* epoch = find_epoch(record, h.epoch.value);
  if (epoch == nullptr ||
      !(frame::owns_case(epoch->role()) || epoch->role() == v1::PRODUCER_ROLE_CUSTODY))
    return;
  v1::ConsentInForce now;
  if (!now.mutable_consent()->ParseFromArray(frame.body.data(),
                                             static_cast<int>(frame.body.size())))
    return;
  now.set_t_ns(h.t.ns);
  now.set_epoch(h.epoch.value);
  now.set_number(h.first.value);
  if (record.has_consent() && order(record, now) <= order(record, record.consent())) return;
  *record.mutable_consent() = std::move(now);
}

bool row_tells_consent(const v1::CaseRecord& row) {
  if (!tells_consent(row)) return false;
  const v1::EpochRecord* said = find_epoch(row, row.consent().epoch());
  return !row.has_consent() || (said != nullptr && said->closed());
}

bool tells_consent(const v1::CaseRecord& record) {
  return std::ranges::none_of(record.streams(), [&](const v1::StreamRecord& row) {
    return row.stream().kind() == v1::STREAM_KIND_CONSENT &&
           (!record.has_consent() || row.last_t_ns() > record.consent().t_ns());
  });
}

}  // namespace casebox::storage
