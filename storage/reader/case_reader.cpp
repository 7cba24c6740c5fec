#include "storage/reader/case_reader.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "proto/frame/role.h"
#include "proto/seal/seal.h"
#include "storage/found.h"
#include "storage/reader/internal/decode.h"
#include "storage/reader/internal/kept_frames.h"
#include "storage/reader/internal/opened.h"

namespace casebox::storage {
namespace {

template <typename Message>
Result<Message> parse_body(const frame::Header& h, BytesView body) {
  Message message;
  if (message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return message;
  return Error{Code::kCorrupt, "stream " + std::to_string(h.stream.value) + " frame " +
                                   std::to_string(h.first.value) + ": body does not parse"};
}

}  // namespace

struct CaseReader::Impl {
  const Shard* shard = nullptr;
  CaseId id;
  VerifiedCase verified;
  OpenOptions options;
  internal::Opened opened;
  Error why{Code::kNotFound, "no keystore"};

  const v1::CaseRecord& record() const { return verified.record; }
  /// A stream of one epoch: its proven frames and its registry entry.
  struct At {
    const ProvenStream* frames = nullptr;
    const v1::Stream* entry = nullptr;
  };

  /// Streams that `choose` takes, by epoch and id.
  std::vector<At> places(
      const std::function<bool(const ProvenStream&, const v1::Stream&)>& choose) const {
    std::vector<At> out;
    for (const ProvenStream& at : verified.streams) {
      if (at.id == kControlStream) continue;
      for (const auto& row : record().streams())
        if (row.epoch() == at.epoch.value && row.stream().stream_id() == at.id.value &&
            choose(at, row.stream()))
          out.push_back({&at, &row.stream()});
    }
    return out;
  }
  std::vector<At> of_kind(v1::StreamKind kind, bool derived) const {
    return places([&](const ProvenStream& at, const v1::Stream& entry) {
      return entry.kind() == kind && at.derived == derived;
    });
  }
  std::vector<At> named(const std::string& name) const {
    auto own = places([&](const ProvenStream& at, const v1::Stream& entry) {
      return entry.name() == name && !at.derived;
    });
    return own.empty() ? places([&](const ProvenStream&, const v1::Stream& entry) {
      return entry.name() == name;
    })
                       : own;
  }

  /// Whether content may be given at all.
  Result<void> allowed() const {
    const verify::Report& report = verified.report;
    if (verify::may_be_shown(report.verdict) || options.show_unproven) return ok();
    std::string first;
    if (!report.problems.empty())
      first = ": " + report.problems.front().where + ": " + report.problems.front().detail;
    return Error{Code::kCorrupt, "case " + to_string(id) + " is " +
                                     verify::to_string(report.verdict) + first +
                                     "; its content is shown only on demand (--unproven), marked"};
  }

  Result<Bytes> body(const frame::View& frame) {
    if (!frame.header.has(frame::flag::kSealed)) {
      if (frame.header.kind != frame::Kind::kData) return Bytes(frame.body);
      if (!options.show_unproven)
        return Error{Code::kCorrupt, "case " + to_string(id) + ": stream " +
                                         std::to_string(frame.header.stream.value) + " number " +
                                         std::to_string(frame.header.first.value) +
                                         ": content that nobody sealed; shown only on demand "
                                         "(--unproven)"};
      return frame::unpack_body(frame.body);
    }
    if (!opened.keys) return annotate(why, "content of case " + to_string(id));
    return opened.keys->open(frame);
  }

  internal::KeptFrames kept;

  /// An opening looks at leaves; what is read later may not hash to its own. From then on the case
  /// is what that says, for whoever holds this reader.
  std::set<const Proof*> told;
  std::filesystem::path store;
  void does_not_hold(const Proof& proof, const Error& error) {
    if (!told.insert(&proof).second) return;
    const std::string where = "stream " + std::to_string(proof.stream.value) + " number " +
                              std::to_string(proof.first.value);
    verified.report.blame({"row", where, error.message}, weight_of(error));
    keep_found(store, id, verified.report.verdict);
  }

  /// The frame of a proof row; with `show_unproven` one that does not hold is passed by.
  Result<std::optional<StoredFrame>> load(const Proof& proof) {
    if (const StoredFrame* known = kept.find(proof)) return std::optional<StoredFrame>(*known);
    auto stored = shard->load(id, proof);
    if (stored) {
      kept.keep(proof, *stored);
      return std::optional<StoredFrame>(std::move(*stored));
    }
    if (stored.error().code == Code::kCorrupt) does_not_hold(proof, stored.error());
    if (options.show_unproven && stored.error().code == Code::kCorrupt)
      return std::optional<StoredFrame>();
    return stored.error();
  }

  /// Frames of a stream by time; made when first asked for.
  std::map<const ProvenStream*, std::vector<const Proof*>> orders;
  const std::vector<const Proof*>& in_time(const ProvenStream& at) {
    auto [known, fresh] = orders.try_emplace(&at);
    if (!fresh) return known->second;
    for (const Proof& proof : at.frames) known->second.push_back(&proof);
    std::ranges::stable_sort(known->second, {}, [](const Proof* proof) { return proof->t; });
    return known->second;
  }

  struct Placed {
    At at;
    const Proof* proof;
  };

  /// Frames that begin in the span, and those before that reach into it, in time order.
  Result<void> overlapping(const At& at, Span span, std::vector<Placed>& out) {
    const auto& order = in_time(*at.frames);
    const auto t_of = [](const Proof* proof) { return proof->t; };
    auto begin = std::ranges::lower_bound(order, span.from, {}, t_of);
    const auto end = std::ranges::lower_bound(order, span.to, {}, t_of);
    while (begin != order.begin()) {
      const auto header = shard->load_header(id, **std::prev(begin));
      if (!header && !options.show_unproven) return header.error();
      if (!header || header->end() <= span.from) break;
      --begin;
    }
    for (auto it = begin; it < end; ++it)
      if (!(*it)->gap) out.push_back({at, *it});
    return ok();
  }

  /// What sealed streams of before say of consent later than the newest frame, oldest first.
  Result<std::vector<v1::Consent>> older_consent() {
    const int64_t newest = record().has_consent() ? record().consent().t_ns() : INT64_MIN;
    std::vector<v1::Consent> out;
    for (const bool derived : {false, true}) {
      CASEBOX_TRY(const auto said, events(of_kind(v1::STREAM_KIND_CONSENT, derived), {}));
      for (const EventAt& at : said)
        if (at.t.ns > newest && at.event.has_consent()) out.push_back(at.event.consent());
    }
    return out;
  }

  /// Data frames of the places in time order.
  Result<void> each_data(
      const std::vector<At>& where, Span span,
      const std::function<Result<void>(const frame::View&, const v1::Stream&)>& visit) {
    CASEBOX_CHECK(allowed());
    std::vector<Placed> order;
    for (const At& at : where) {
      CASEBOX_CHECK(opened.may_read(id, *at.entry));
      CASEBOX_CHECK(overlapping(at, span, order));
    }
    std::ranges::stable_sort(order, {}, [](const Placed& one) {
      return std::make_tuple(one.proof->t, one.at.frames->id, one.at.frames->epoch_index);
    });
    for (const Placed& one : order) {
      CASEBOX_TRY(const auto stored, load(*one.proof));
      if (!stored) continue;
      CASEBOX_TRY(const auto frame, frame::parse(stored->bytes));
      if (frame.header.kind == frame::Kind::kData) CASEBOX_CHECK(visit(frame, *one.at.entry));
    }
    return ok();
  }

  Result<std::vector<EventAt>> events(const std::vector<At>& where, Span span) {
    std::vector<EventAt> out;
    // A frame's duration need not cover its events, so frames are taken from the start of the case.
    CASEBOX_CHECK(each_data(where, {CaseTime{INT64_MIN}, span.to},
                            [&](const frame::View& frame, const v1::Stream&) -> Result<void> {
                              const auto& h = frame.header;
                              CASEBOX_TRY(auto plain, body(frame));
                              CASEBOX_TRY(auto batch, parse_body<v1::EventBatch>(h, plain));
                              for (int i = 0; i < batch.events_size(); ++i) {
                                EventAt at;
                                at.t = h.t + nanoseconds(batch.events(i).dt_ns());
                                if (at.t < span.from || at.t >= span.to) continue;
                                at.u95_us = h.u95_us;
                                at.event = batch.events(i);
                                at.source = {h.epoch, h.stream, h.first, h.count};
                                at.number = ItemNumber{h.first.value + static_cast<uint64_t>(i)};
                                at.derived = h.has(frame::flag::kDerived);
                                out.push_back(std::move(at));
                              }
                              return ok();
                            }));
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.t < b.t; });
    return out;
  }

  Result<void> each_fragment(const std::string& stream, Span span,
                             const std::function<Result<void>(const Assembler::Whole&)>& visit) {
    CASEBOX_CHECK(allowed());
    Assembler assembler;
    auto take = [&](const frame::View& frame) -> Result<void> {
      CASEBOX_TRY(auto plain, body(frame));
      CASEBOX_TRY(auto part, parse_body<v1::MediaFragment>(frame.header, plain));
      if (auto whole = assembler.add(frame.header, std::move(part))) return visit(*whole);
      return ok();
    };
    const auto where = named(stream);
    if (span.from.ns != INT64_MIN || span.to.ns != INT64_MAX)
      return each_data(where, span,
                       [&](const frame::View& frame, const v1::Stream&) { return take(frame); });
    for (const At& at : where) {
      CASEBOX_CHECK(opened.may_read(id, *at.entry));
      for (const Proof& proof : at.frames->frames) {
        if (proof.gap) continue;
        CASEBOX_TRY(const auto stored, load(proof));
        if (!stored) continue;
        CASEBOX_TRY(const auto frame, frame::parse(stored->bytes));
        if (frame.header.kind == frame::Kind::kData) CASEBOX_CHECK(take(frame));
      }
    }
    return ok();
  }

  /// Bodies of the recorder's stream-0 frames of one kind, in order.
  template <typename Message>
  Result<std::vector<std::pair<CaseTime, Message>>> control(
      frame::Kind kind, std::vector<SourceRef>* sources = nullptr) {
    std::vector<std::pair<CaseTime, Message>> out;
    for (const ProvenStream& at : verified.streams) {
      if (at.id != kControlStream || at.derived) continue;
      for (size_t i = 0; i < at.frames.size(); ++i) {
        if (at.kinds[i] != kind) continue;
        CASEBOX_TRY(const auto stored, load(at.frames[i]));
        if (!stored) continue;
        CASEBOX_TRY(const auto frame, frame::parse(stored->bytes));
        const auto& h = frame.header;
        CASEBOX_TRY(auto message, parse_body<Message>(h, frame.body));
        out.emplace_back(h.t, std::move(message));
        if (sources != nullptr) sources->push_back({h.epoch, h.stream, h.first, h.count});
      }
    }
    return out;
  }
};

CaseReader::CaseReader() : impl_(std::make_unique<Impl>()) {}
CaseReader::~CaseReader() = default;

Result<std::unique_ptr<CaseReader>> CaseReader::open(const Store& store, CaseId id,
                                                     keyring::Keyring& keyring,
                                                     keyring::Purpose purpose,
                                                     const OpenOptions& options) {
  auto reader = std::unique_ptr<CaseReader>(new CaseReader);
  auto& impl = *reader->impl_;
  impl.id = id;
  impl.options = options;
  impl.store = store.dir();
  impl.shard = store.shard_of(id);
  if (impl.shard == nullptr)
    return Error{Code::kNotFound, "case " + to_string(id) + " is not in " + store.dir().string()};
  verify::Options how;
  how.trust = options.trust;
  CASEBOX_TRY(impl.verified, verify_case(store, id, how, Depth::kLeaves));
  blame_found(impl.store, id, impl.verified.report);
  const v1::CaseRecord& record = impl.record();
  auto done = impl.opened.learn(keyring, record, id, [&] { return impl.older_consent(); });
  if (done) done = impl.opened.open(keyring, record, id, purpose);
  if (!done) {
    impl.why = std::move(done).error();
    return reader;
  }
  // Names that do not open stay tokens: the stream is there under its number all the same.
  for (v1::StreamRecord& row : *impl.verified.record.mutable_streams())
    (void)impl.opened.keys->open_names(*row.mutable_stream(), Epoch{row.epoch()});
  for (ProvenStream& at : impl.verified.streams)
    (void)impl.opened.keys->open_names(at.entry, at.epoch);
  return reader;
}

const access::Consent& CaseReader::consent() const { return impl_->opened.consent; }

Result<void> CaseReader::readable() const {
  CASEBOX_CHECK(impl_->allowed());
  if (impl_->opened.keys) return ok();
  return annotate(impl_->why, "content of case " + to_string(impl_->id));
}

const v1::CaseRecord& CaseReader::record() const { return impl_->record(); }
const verify::Report& CaseReader::report() const { return impl_->verified.report; }

std::optional<v1::Stream> CaseReader::find_stream(const std::string& name) const {
  const auto found = impl_->named(name);
  return found.empty() ? std::nullopt : std::optional(*found.back().entry);
}

std::vector<v1::Stream> CaseReader::streams(bool derived) const {
  std::vector<v1::Stream> out;
  for (const Impl::At& at : impl_->places([&](const ProvenStream&one, const v1::Stream&entry) {
         return one.derived == derived && !entry.name().empty();
       })) {
    const auto same = std::ranges::find(out, at.entry->name(), &v1::Stream::name);
    if (same == out.end()) {
      out.push_back(*at.entry);
    } else {
      *same = *at.entry;
    }
  }
  return out;
}

Result<std::vector<EventAt>> CaseReader::events(v1::StreamKind kind, Span span,
                                                bool derived) const {
  return impl_->events(impl_->of_kind(kind, derived), span);
}

Result<std::vector<EventAt>> CaseReader::events_of(const std::string& stream, Span span) const {
  return impl_->events(impl_->named(stream), span);
}

Result<void> CaseReader::samples(const std::string& stream, const std::string& channel, Span span,
                                 const std::function<Result<void>(const SampleRun&)>& visit) const {
  const auto where = impl_->named(stream);
  const auto of = [&](const v1::Stream& entry) {
    return std::ranges::find(entry.channels(), channel, &v1::Channel::name);
  };
  if (std::ranges::none_of(
          where, [&](const auto& at) { return of(*at.entry) != at.entry->channels().end(); }))
    return Error{Code::kNotFound,
                 "case " + to_string(impl_->id) + " has no channel " + stream + "/" + channel};
  return impl_->each_data(
      where, span, [&](const frame::View& frame, const v1::Stream& entry) -> Result<void> {
        const auto found = of(entry);
        if (found == entry.channels().end()) return ok();
        CASEBOX_TRY(auto opened, impl_->body(frame));
        CASEBOX_TRY(auto chunk, parse_body<v1::SampleChunk>(frame.header, opened));
        CASEBOX_TRY(auto run, decode_samples(frame.header, chunk, entry, *found, span));
        return run ? visit(*run) : ok();
      });
}

Result<SampleRun> CaseReader::all_samples(const std::string& stream, const std::string& channel,
                                          Span span) const {
  SampleRun all;
  CASEBOX_CHECK(samples(stream, channel, span, [&](const SampleRun& run) -> Result<void> {
    join(all, run);
    return ok();
  }));
  return all;
}

Result<void> CaseReader::packets(const std::string& stream, Span span,
                                 const std::function<Result<void>(const PacketAt&)>& visit) const {
  return impl_->each_fragment(stream, span, [&](const Assembler::Whole& whole) -> Result<void> {
    const auto& h = whole.header;
    for (const auto& packet : whole.fragment.packets()) {
      const Bytes& cmaf = whole.fragment.cmaf();
      if (packet.offset() > cmaf.size() || packet.size() > cmaf.size() - packet.offset())
        return Error{Code::kCorrupt, stream + " frame " + std::to_string(h.first.value) +
                                         ": a packet reaches beyond its fragment"};
      PacketAt at{h.t + nanoseconds(packet.dt_ns()),
                  packet,
                  cmaf.substr(packet.offset(), packet.size()),
                  {h.epoch, h.stream, h.first, h.count}};
      if (at.t < span.from || at.t >= span.to) continue;
      CASEBOX_CHECK(visit(at));
    }
    return ok();
  });
}

Result<void> CaseReader::fragments(
    const std::string& stream, Span span,
    const std::function<Result<void>(const FragmentAt&)>& visit) const {
  return impl_->each_fragment(stream, span, [&](const Assembler::Whole& whole) {
    const auto& h = whole.header;
    return visit({h.t,
                  microseconds(h.duration_us),
                  h.has(frame::flag::kSync),
                  whole.fragment.cmaf(),
                  {h.epoch, h.stream, h.first, h.count}});
  });
}

Result<void> CaseReader::media_headers(
    const std::string& stream,
    const std::function<Result<void>(const frame::Header&)>& visit) const {
  CASEBOX_CHECK(impl_->allowed());
  std::vector<Impl::Placed> order;
  for (const Impl::At& at : impl_->named(stream)) CASEBOX_CHECK(impl_->overlapping(at, {}, order));
  std::ranges::stable_sort(order, {}, [](const Impl::Placed& one) { return one.proof->t; });
  for (const Impl::Placed& one : order) {
    const auto header = impl_->shard->load_header(impl_->id, *one.proof);
    if (!header && impl_->options.show_unproven) continue;
    if (!header) return header.error();
    CASEBOX_CHECK(visit(*header));
  }
  return ok();
}

Result<std::vector<GapAt>> CaseReader::gaps() const {
  std::vector<GapAt> out;
  for (const ProvenGap& at : impl_->verified.gaps)
    if (!at.derived) out.push_back({at.gap, at.stream, at.epoch, at.first, at.count});
  return out;
}

Result<std::vector<ClockAt>> CaseReader::clocks() const {
  std::vector<SourceRef> sources;
  CASEBOX_TRY(auto found, impl_->control<v1::ClockRecord>(frame::Kind::kClock, &sources));
  std::vector<ClockAt> out;
  for (size_t i = 0; i < found.size(); ++i)
    out.push_back({found[i].first, std::move(found[i].second), sources[i]});
  return out;
}

Result<std::vector<std::pair<CaseTime, v1::Pause>>> CaseReader::pauses() const {
  return impl_->control<v1::Pause>(frame::Kind::kPause);
}

Result<v1::CaseFrame> CaseReader::opening() const {
  std::vector<SourceRef> sources;
  CASEBOX_TRY(auto found, impl_->control<v1::CaseControl>(frame::Kind::kCase, &sources));
  for (size_t i = 0; i < found.size(); ++i) {
    v1::CaseControl& control = found[i].second;
    if (!control.has_open()) continue;
    if (impl_->opened.keys)
      (void)impl_->opened.keys->open_config(*control.mutable_open(), sources[i].epoch);
    return std::move(*control.mutable_open());
  }
  return Error{Code::kNotFound, "case " + to_string(impl_->id) + " has no case frame yet"};
}

Result<Bytes> CaseReader::seal_kept(BytesView plain, BytesView about) const {
  CASEBOX_CHECK(readable());
  CASEBOX_TRY(keyring::KeptKey key, impl_->opened.keys->kept_key());
  return key.seal(plain, about);
}

Result<v1::SourceRange> CaseReader::source_range(Epoch epoch, StreamId stream, ItemNumber first,
                                                 ItemNumber last) const {
  const std::string place = " stream " + std::to_string(stream.value);
  const std::string absent = " is not in case " + to_string(impl_->id);
  const auto known = std::ranges::find_if(impl_->verified.streams, [&](const auto& at) {
    return at.epoch == epoch && at.id == stream;
  });
  if (known == impl_->verified.streams.end())
    return Error{Code::kNotFound, "epoch " + to_string(epoch) + place + absent};
  v1::SourceRange range;
  seal::Sha256 sum;
  uint64_t next = first.value;
  bool any = false;
  while (next <= last.value) {
    const Proof* proof = known->holding(ItemNumber{next});
    if (proof == nullptr)
      return Error{Code::kNotFound, place.substr(1) + " number " + std::to_string(next) + absent};
    CASEBOX_TRY(const auto stored, impl_->shard->load(impl_->id, *proof));
    CASEBOX_TRY(auto frame, frame::parse(stored.bytes));
    const auto& h = frame.header;
    sum.update(stored.bytes);
    range.set_t0_ns(any ? std::min(range.t0_ns(), h.t.ns) : h.t.ns);
    range.set_t1_ns(any ? std::max(range.t1_ns(), h.end().ns) : h.end().ns);
    if (!any) {
      range.set_first_offset(stored.trailer.offset);
      range.set_read_from(stored.trailer.source);
    }
    range.set_last_offset(stored.trailer.offset);
    any = true;
    next = h.next();
  }
  range.set_epoch(epoch.value);
  range.set_stream_id(stream.value);
  range.set_first_number(first.value);
  range.set_last_number(last.value);
  range.set_sha256(Bytes(view(sum.finish())));
  range.set_stream(known->entry.name());
  return range;
}

}  // namespace casebox::storage
