#include "proto/producer/producer.h"

#include <algorithm>
#include <utility>

#include "proto/keyring/keyring.h"
#include "proto/keyring/sealed_names.h"
#include "proto/producer/internal/epoch_writer.h"
#include "proto/producer/internal/valid_text.h"
#include "proto/vocabulary/vocabulary.h"

namespace casebox::producer {
namespace {

constexpr const char* kUnknownWord =
    " is not in the vocabulary of what may stand in the clear; add it to "
    "proto/vocabulary/internal/words.h or write 'other'";

/// Media is compressed already, and so is what the sample codec made of a wave.
bool shrinks(v1::StreamKind kind) {
  return kind != v1::STREAM_KIND_VIDEO && kind != v1::STREAM_KIND_AUDIO &&
         kind != v1::STREAM_KIND_WAVE;
}

Result<Bytes> seal_epoch_key(const Options& options, Epoch epoch, const seal::Secret& secret) {
  v1::EpochSecret message;
  message.set_case_id(Bytes(options.case_id.view()));
  message.set_epoch(epoch.value);
  message.set_secret(Bytes(secret.view()));
  return seal::seal_to(options.case_public_key, message.SerializeAsString());
}

/// Whether what a case frame says in the clear is made of codes. The text itself is not repeated:
/// it is wrong because it may tell whose case it is.
Result<void> check_codes(const v1::CaseFrame& details) {
  const auto wrong = [](const char* what) {
    return Error{Code::kInvalidArgument,
                 std::string("the ") + what + " is no code; " + vocabulary::kCodeForm};
  };
  if (!details.procedure().empty() && !vocabulary::is_code(details.procedure()))
    return wrong("procedure");
  if (!details.room().empty() && !vocabulary::is_code(details.room())) return wrong("room");
  if (!details.software().empty() && !vocabulary::is_software(details.software()))
    return wrong("name of the software");
  return ok();
}

}  // namespace

struct Producer::Impl {
  Impl(Options o, EpochWriter w, keyring::EpochKeys k)
      : options(std::move(o)), writer(std::move(w)), keys(std::move(k)) {}

  Options options;
  EpochWriter writer;
  keyring::EpochKeys keys;
  std::vector<v1::Stream> streams;
  uint16_t period = 0;
  CaseTime period_began;
  bool period_open = false;  // false: the next sealed frame begins one
  bool period_cut = false;   // a pause or a consent mark came since
  CaseTime last;             // the latest case time seen
  bool closed = false;
  Bytes scratch;

  const v1::Stream* find(StreamId id) const {
    const auto found = std::ranges::find(streams, id.value, &v1::Stream::stream_id);
    return found == streams.end() ? nullptr : &*found;
  }
  void saw(CaseTime t) { last = std::max(last, t); }

  Result<void> need_open() const {
    if (!closed) return ok();
    return Error{Code::kInvalidArgument,
                 "epoch " + to_string(writer.epoch()) + " is closed; begin another"};
  }

  /// Commits the current period's keys of `ids` in one key frame.
  Result<void> commit_keys(const std::vector<uint32_t>& ids, uint16_t for_period, CaseTime t) {
    v1::KeyFrame frame;
    for (uint32_t id : ids) {
      v1::KeyCommitment& entry = *frame.add_periods();
      entry.set_stream_id(id);
      entry.set_period(for_period);
      std::array<char, 16> salt;
      seal::random_bytes(salt.data(), salt.size());
      entry.set_salt(salt.data(), salt.size());
      CASEBOX_TRY(auto secret, keys.period_secret(StreamId{id}, KeyPeriod{for_period}));
      CASEBOX_TRY(Digest digest, keyring::commitment(secret, entry.salt()));
      entry.set_commitment(Bytes(view(digest)));
    }
    CASEBOX_CHECK(writer.append_control(frame::Kind::kKey, t, frame));
    return ok();
  }

  /// The period of a frame at `t`: the current one, or a new one whose keys are committed first.
  /// Periods never go back: a late item takes the current one.
  Result<KeyPeriod> period_at(CaseTime t) {
    if (!period_open) {
      period_open = true;
      period_began = t;
    }
    const bool due = period_cut || t - period_began >= options.key_period;
    if (!due) return KeyPeriod{period};
    if (period == UINT16_MAX)
      return Error{Code::kUnsupported, "epoch " + to_string(writer.epoch()) +
                                           ": no key period left; close it and begin another"};
    std::vector<uint32_t> ids;
    for (const v1::Stream& stream : streams)
      if (!stream.by_policy_absent()) ids.push_back(stream.stream_id());
    CASEBOX_CHECK(commit_keys(ids, static_cast<uint16_t>(period + 1), t));
    ++period;
    period_began = t;
    period_cut = false;
    return KeyPeriod{period};
  }
};

Producer::Producer() = default;
Producer::~Producer() = default;

Result<std::unique_ptr<Producer>> Producer::open(Options options, seal::SigningKey key,
                                                 log::Writer& log, Clock& clock) {
  if (options.case_id.is_nil() || options.producer_id.is_nil())
    return Error{Code::kInvalidArgument, "a producer needs a case id and an id of its own"};
  CASEBOX_CHECK(check_codes(options.details));
  CASEBOX_CHECK(check_text(options.details));  // before a part of it is sealed, unread by anybody
  const Epoch epoch = random_epoch();
  seal::Secret secret = seal::Secret::random();
  v1::CaseControl control;
  v1::CaseFrame& frame = *control.mutable_open();
  frame = options.details;
  frame.set_case_id(Bytes(options.case_id.view()));
  frame.set_producer_id(Bytes(options.producer_id.view()));
  frame.set_role(options.role);
  frame.set_signing_key(Bytes(view(Digest(key.public_key()))));
  frame.set_case_public_key(Bytes(view(Digest(options.case_public_key))));
  frame.set_case_key_reused(options.case_key_reused);
  if (options.seal) {
    CASEBOX_TRY(*frame.mutable_sealed_epoch_key(), seal_epoch_key(options, epoch, secret));
  }
  keyring::EpochKeys keys(epoch, std::move(secret));
  if (options.seal) CASEBOX_CHECK(keyring::seal_config(frame, keys, options.case_id));

  CASEBOX_CHECK(log.begin_case(options.case_id, options.producer_id, options.role));
  EpochWriter writer(options.case_id, options.producer_id, epoch, options.role, std::move(key), log,
                     clock);
  CASEBOX_CHECK(writer.append_control(frame::Kind::kCase, options.opened_at, control));
  std::unique_ptr<Producer> producer(new Producer);
  const CaseTime begin = options.opened_at;
  producer->impl_ = std::make_unique<Impl>(std::move(options), std::move(writer), std::move(keys));
  producer->impl_->last = begin;
  return producer;
}

Result<StreamId> Producer::add_stream(v1::Stream stream) {
  Impl& impl = *impl_;
  CASEBOX_CHECK(impl.need_open());
  if (stream.stream_id() == 0) {
    uint32_t highest = 0;
    for (const v1::Stream& other : impl.streams) highest = std::max(highest, other.stream_id());
    stream.set_stream_id(highest + 1);
  }
  const StreamId id{stream.stream_id()};
  CASEBOX_CHECK(check_text(stream));
  v1::Stream shown = stream;
  if (impl.options.seal) {
    CASEBOX_TRY(shown, keyring::seal_names(stream, impl.keys, impl.options.case_id));
  }
  CASEBOX_CHECK(impl.writer.append_control(frame::Kind::kStream, impl.last, shown));
  const auto known = std::ranges::find(impl.streams, id.value, &v1::Stream::stream_id);
  if (known != impl.streams.end()) {
    *known = std::move(stream);
    return id;
  }
  if (!stream.by_policy_absent())
    CASEBOX_CHECK(impl.commit_keys({id.value}, impl.period, impl.last));
  impl.writer.chain(id);
  impl.streams.push_back(std::move(stream));
  return id;
}

Result<ItemNumber> Producer::append(const Data& data, const google::protobuf::MessageLite& body) {
  Impl& impl = *impl_;
  CASEBOX_CHECK(impl.need_open());
  const v1::Stream* stream = impl.find(data.stream);
  if (stream == nullptr)
    return Error{Code::kInvalidArgument, "stream " + std::to_string(data.stream.value) +
                                             " is not registered; add it before its first item"};
  CASEBOX_CHECK(check_text(body));
  // A frame that is cut to its header's length would not be found where its last items are.
  if (data.count > 1 && data.duration.ns / 1000 > int64_t{UINT32_MAX})
    return Error{Code::kInvalidArgument, std::to_string(data.count) + " items of " +
                                             std::to_string(data.duration.ns / 1'000'000'000) +
                                             " s do not fit one frame; make several"};
  frame::Header header;
  header.kind = frame::Kind::kData;
  header.flags = data.flags;
  header.stream = data.stream;
  header.count = data.count;
  header.u95_us = data.u95_us;
  header.t = data.t;
  header.t_capture = data.t_capture;
  header.duration_us =
      static_cast<uint32_t>(std::clamp<int64_t>(data.duration.ns / 1000, 0, UINT32_MAX));
  const Bytes packed = frame::pack_body(body.SerializeAsString(), shrinks(stream->kind()));
  impl.saw(data.t);
  if (!impl.options.seal) return impl.writer.append(header, packed);
  CASEBOX_TRY(header.period, impl.period_at(data.t));
  header.flags |= frame::flag::kSealed;
  CASEBOX_TRY(seal::Aead * aead, impl.keys.aead(data.stream, header.period));
  header = impl.writer.complete(header);
  header.body_size = static_cast<uint32_t>(packed.size() + seal::kTagSize);
  const auto aad = frame::associated_data(header);
  impl.scratch.clear();
  CASEBOX_CHECK(aead->seal(frame::nonce(header), {aad.data(), aad.size()}, packed, impl.scratch));
  return impl.writer.append(header, impl.scratch);
}

Result<ItemNumber> Producer::append_gap(StreamId stream, const v1::Gap& gap) {
  CASEBOX_CHECK(impl_->need_open());
  if (impl_->find(stream) == nullptr)
    return Error{Code::kInvalidArgument, "stream " + std::to_string(stream.value) +
                                             " is not registered; add it before its first gap"};
  if (!gap.reason().empty() && !vocabulary::is_reason(gap.reason()))
    return Error{Code::kInvalidArgument, std::string("the reason of a gap") + kUnknownWord};
  impl_->saw(CaseTime{gap.t_end_ns()});
  return impl_->writer.append_gap(stream, gap);
}

Result<void> Producer::append_clock(const v1::ClockRecord& record, CaseTime t) {
  CASEBOX_CHECK(impl_->need_open());
  CASEBOX_CHECK(impl_->writer.append_control(frame::Kind::kClock, t, record));
  impl_->saw(t);
  return ok();
}

Result<void> Producer::append_pause(const v1::Pause& pause, CaseTime t) {
  CASEBOX_CHECK(impl_->need_open());
  if (!pause.reason().empty() && !vocabulary::is_reason(pause.reason()))
    return Error{Code::kInvalidArgument, std::string("the reason of a pause") + kUnknownWord};
  if (!vocabulary::is_role(pause.role()))
    return Error{Code::kInvalidArgument, std::string("the role of a pause") + kUnknownWord};
  CASEBOX_CHECK(impl_->writer.append_control(frame::Kind::kPause, t, pause));
  impl_->saw(t);
  cut_period();
  return ok();
}

Result<void> Producer::append_consent(const v1::Consent& consent, CaseTime t) {
  CASEBOX_CHECK(impl_->need_open());
  if (impl_->options.role == v1::PRODUCER_ROLE_ANALYSIS)
    return Error{Code::kInvalidArgument, "an analysis has no consent to tell"};
  for (const auto* scopes : {&consent.granted(), &consent.withdrawn()})
    for (const int scope : *scopes)
      if (scope == v1::CONSENT_SCOPE_UNSPECIFIED || !v1::ConsentScope_IsValid(scope))
        return Error{Code::kInvalidArgument, "consent: a scope that there is not"};
  if (!vocabulary::is_role(consent.recorded_by()))
    return Error{Code::kInvalidArgument,
                 std::string("the role that recorded consent") + kUnknownWord};
  CASEBOX_CHECK(impl_->writer.append_control(frame::Kind::kConsent, t, consent));
  impl_->saw(t);
  cut_period();
  return ok();
}

void Producer::cut_period() { impl_->period_cut = impl_->period_open; }

Result<void> Producer::beat(CaseTime t) {
  CASEBOX_CHECK(impl_->need_open());
  CASEBOX_CHECK(impl_->writer.beat(t));
  impl_->saw(t);
  return ok();
}

Result<void> Producer::close(CaseTime t, v1::CloseFrame::Cause cause) {
  CASEBOX_CHECK(impl_->need_open());
  CASEBOX_CHECK(impl_->writer.close(t, v1::CloseFrame::REASON_CASE_ENDED, cause));
  impl_->closed = true;
  return ok();
}

Epoch Producer::epoch() const { return impl_->writer.epoch(); }
CaseId Producer::case_id() const { return impl_->options.case_id; }
ItemNumber Producer::next_number(StreamId stream) const {
  return ItemNumber{impl_->writer.chain(stream).next};
}
const std::vector<v1::Stream>& Producer::streams() const { return impl_->streams; }

}  // namespace casebox::producer
