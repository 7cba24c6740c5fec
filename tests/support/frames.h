#pragma once

// Frames for tests of the store and of ingest: one epoch of one case, unsealed, numbers kept per
// stream. Thread safety: none.

#include <stdlib.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/control.pb.h"
#include "casebox/v1/event.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/frame/beat.h"
#include "proto/frame/frame.h"
#include "proto/frame/role.h"
#include "proto/seal/seal.h"

namespace casebox::testing {

/// A folder that goes when the test ends.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "casebox-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempDir() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class FrameMaker {
 public:
  explicit FrameMaker(v1::ProducerRole producer_role = v1::PRODUCER_ROLE_RECORDER,
                      CaseId id = random_id<CaseId>())
      : case_id(id),
        producer(random_id<ProducerId>()),
        epoch(random_epoch()),
        role(producer_role) {}

  Bytes make(frame::Kind kind, StreamId stream, CaseTime t, BytesView body, uint32_t count = 1,
             Duration duration = {}) {
    frame::Header h;
    h.kind = kind;
    h.flags = frame::owns_case(role) ? 0 : frame::flag::kDerived;
    if (sealed && kind == frame::Kind::kData) h.flags |= frame::flag::kSealed;
    h.stream = stream;
    h.epoch = epoch;
    h.first = ItemNumber{next[stream.value]};
    h.count = count;
    h.t = t;
    h.duration_us = static_cast<uint32_t>(duration.ns / 1000);
    auto encoded = frame::encode(h, body);
    next[stream.value] += count;
    if (!encoded) return {};
    head(stream) = frame::next_head(head(stream), frame::leaf_hash(*frame::parse(*encoded)));
    return *encoded;
  }

  /// The chain head behind the stream's last frame.
  Digest& head(StreamId stream) {
    return heads.try_emplace(stream.value, frame::first_head(producer, case_id, stream, epoch))
        .first->second;
  }

  Bytes open() {
    v1::CaseControl control;
    auto& f = *control.mutable_open();
    f.set_case_id(Bytes(case_id.view()));
    f.set_producer_id(Bytes(producer.view()));
    f.set_role(role);
    f.set_procedure("lap-cholecystectomy");
    f.set_room("or-1");
    f.set_start_utc_ns(1'700'000'000'000'000'000);
    f.set_kind(case_kind);
    f.set_partition(partition);
    f.set_signing_key(Bytes(view(key->public_key())));
    return make(frame::Kind::kCase, kControlStream, {}, control.SerializeAsString());
  }
  Bytes stream(StreamId id, const std::string& name, v1::StreamKind kind) {
    v1::Stream entry;
    entry.set_stream_id(id.value);
    entry.set_name(name);
    entry.set_kind(kind);
    return make(frame::Kind::kStream, kControlStream, {}, entry.SerializeAsString());
  }
  Bytes close() {
    v1::CaseControl control;
    auto& f = *control.mutable_close();
    f.set_reason(v1::CloseFrame::REASON_CASE_ENDED);
    for (const auto& [id, number] : next) {
      if (id == kControlStream.value) continue;
      auto& p = *f.add_positions();
      p.set_stream_id(id);
      p.set_next_number(number);
      p.set_head(Bytes(view(head(StreamId{id}))));
    }
    return make(frame::Kind::kCase, kControlStream, {}, control.SerializeAsString());
  }
  /// Signs where every stream stands.
  Bytes beat() {
    v1::Beat signed_beat;
    next.try_emplace(kControlStream.value, 0);
    for (const auto& [id, number] : next) {
      auto& p = *signed_beat.add_positions();
      p.set_stream_id(id);
      p.set_next_number(number);
      p.set_head(Bytes(view(head(StreamId{id}))));
    }
    frame::Header header;
    header.kind = frame::Kind::kBeat;
    header.flags = frame::owns_case(role) ? 0 : frame::flag::kDerived;
    header.epoch = epoch;
    header.first = ItemNumber{next[kControlStream.value]};
    const auto signature = key->sign(frame::beat_message(case_id, producer, header, signed_beat));
    signed_beat.set_signature(signature.data(), signature.size());
    return make(frame::Kind::kBeat, kControlStream, {}, signed_beat.SerializeAsString());
  }
  Bytes event(StreamId id, CaseTime t, const std::string& code) {
    v1::EventBatch batch;
    batch.add_events()->mutable_device()->set_code(code);
    return make(frame::Kind::kData, id, t, frame::pack_body(batch.SerializeAsString()));
  }
  Bytes gap(StreamId id, CaseTime t, uint32_t missing, bool unknown = false) {
    v1::Gap g;
    g.set_missing(unknown ? 0 : missing);
    g.set_count_unknown(unknown);
    g.set_reason("disconnected");
    g.set_t_begin_ns(t.ns);
    return make(frame::Kind::kGap, id, t, g.SerializeAsString(), missing);
  }

  CaseId case_id;
  ProducerId producer;
  Epoch epoch;
  v1::ProducerRole role;
  v1::CaseKind case_kind = v1::CASE_KIND_OPERATION;
  uint32_t partition = 0;
  bool sealed = false;  // data frames say that they are
  std::shared_ptr<seal::SigningKey> key =
      std::make_shared<seal::SigningKey>(seal::SigningKey::generate());
  std::map<uint32_t, uint64_t> next;
  std::map<uint32_t, Digest> heads;
};

/// The same frame with other bytes: a changed body under a correct checksum.
inline Bytes forge(const Bytes& bytes) {
  auto view = frame::parse(bytes);
  Bytes body(view->body);
  body.back() = static_cast<char>(body.back() ^ 1);
  return *frame::encode(view->header, body);
}

}  // namespace casebox::testing
