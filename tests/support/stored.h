#pragma once

// Puts a log's frames into a store as ingest does, for tests below ingest. Thread safety: none.

#include <map>

#include "proto/frame/role.h"
#include "proto/log/log.h"
#include "storage/case_record.h"
#include "storage/store.h"

namespace casebox::testing {

/// Takes frames of one case in the order of its log.
class Keeper {
 public:
  explicit Keeper(storage::Store& store) : store_(store) {}

  Result<void> log(const std::filesystem::path& dir) {
    CASEBOX_TRY(auto reader, log::Reader::open(dir));
    for (;;) {
      CASEBOX_TRY(const auto entry, reader->next());
      if (!entry) break;
      if (!entry->preamble && entry->frame.header.kind != frame::Kind::kDraft)
        CASEBOX_CHECK(frame(*entry));
    }
    storage::settle(record);
    return save();
  }
  Result<void> save() {
    auto batch = store_.shard(0).begin();
    batch.put_case(record);
    return store_.shard(0).commit(std::move(batch));
  }
  /// One more frame, counted or not.
  Result<void> put(uint32_t index, storage::Table table, const frame::View& view) {
    auto batch = store_.shard(0).begin();
    CASEBOX_CHECK(
        batch.put_frame(*id_from_bytes<CaseId>(record.case_id()), index, table, view, {}));
    return store_.shard(0).commit(std::move(batch));
  }

  v1::CaseRecord record;

 private:
  Result<void> frame(const log::Entry& entry) {
    record.set_case_id(Bytes(entry.case_id.view()));
    const frame::Header& h = entry.frame.header;
    v1::EpochRecord* epoch = nullptr;
    for (auto& known : *record.mutable_epochs())
      if (known.epoch() == h.epoch.value) epoch = &known;
    if (epoch == nullptr) {
      epoch = record.add_epochs();
      epoch->set_epoch(h.epoch.value);
      epoch->set_index(static_cast<uint32_t>(record.epochs_size() - 1));
    }
    v1::StreamRecord* row = epoch->mutable_control();
    if (h.stream == kControlStream) {
      row->set_epoch(h.epoch.value);
      row->mutable_stream();
      v1::CaseControl control;
      if (h.kind == frame::Kind::kCase && control.ParseFromString(Bytes(entry.frame.body))) {
        if (control.has_open()) storage::take_opening(record, *epoch, control.open());
        if (control.has_close()) *epoch->mutable_close() = control.close();
      }
      v1::Stream stream;
      if (h.kind == frame::Kind::kStream && stream.ParseFromString(Bytes(entry.frame.body))) {
        auto& added = *record.add_streams();
        added.set_epoch(h.epoch.value);
        *added.mutable_stream() = stream;
      }
    } else {
      for (auto& known : *record.mutable_streams())
        if (known.epoch() == h.epoch.value && known.stream().stream_id() == h.stream.value)
          row = &known;
    }
    v1::Gap gap;
    const bool is_gap = h.kind == frame::Kind::kGap && gap.ParseFromString(Bytes(entry.frame.body));
    storage::count_frame(record, *row, h, is_gap ? &gap : nullptr);
    storage::take_consent(record, entry.frame);
    if (h.first.value == row->next_number()) row->set_next_number(h.next());
    return put(epoch->index(), table_of(*row), entry.frame);
  }
  static storage::Table table_of(const v1::StreamRecord& row) {
    switch (row.stream().kind()) {
      case v1::STREAM_KIND_WAVE: return storage::Table::kWave;
      case v1::STREAM_KIND_VIDEO: return storage::Table::kMedia;
      default: return storage::Table::kEvent;
    }
  }

  storage::Store& store_;
};

}  // namespace casebox::testing
