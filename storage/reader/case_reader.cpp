#include "storage/reader/case_reader.h"

#include <algorithm>
#include <set>

#include "proto/frame/role.h"
#include "proto/seal/seal.h"
#include "storage/reader/internal/decode.h"

namespace casebox::storage {
namespace {

using Place = std::pair<uint64_t, uint32_t>;  // epoch, stream

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
  v1::CaseRecord record;
  std::optional<keyring::CaseKeys> keys;
  Error why{Code::kNotFound, "no keystore"};

  bool derived(uint64_t epoch) const {
    for (const auto& e : record.epochs())
      if (e.epoch() == epoch) return frame::is_derived(e.role());
    return false;
  }

  std::vector<const v1::EpochRecord*> recorder_epochs() const {
    std::vector<const v1::EpochRecord*> out;
    for (const auto& e : record.epochs())
      if (frame::owns_case(e.role())) out.push_back(&e);
    return out;
  }

  /// Places that `choose` takes, with their registry entries.
  std::vector<std::pair<Place, const v1::Stream*>> places(
      const std::function<bool(const v1::StreamRecord&)>& choose) const {
    std::vector<std::pair<Place, const v1::Stream*>> out;
    for (const auto& r : record.streams())
      if (choose(r)) out.push_back({{r.epoch(), r.stream().stream_id()}, &r.stream()});
    return out;
  }
  std::vector<std::pair<Place, const v1::Stream*>> named(const std::string& name) const {
    auto own =
        places([&](const auto& r) { return r.stream().name() == name && !derived(r.epoch()); });
    return own.empty() ? places([&](const auto& r) { return r.stream().name() == name; }) : own;
  }

  Result<Bytes> body(const frame::View& frame) {
    if (!frame.header.has(frame::flag::kSealed)) {
      if (frame.header.kind == frame::Kind::kData) return frame::unpack_body(frame.body);
      return Bytes(frame.body);
    }
    if (!keys) return annotate(why, "content of case " + to_string(id));
    return keys->open(frame);
  }

  /// Data frames of the places in time order.
  Result<void> each_data(
      const std::vector<std::pair<Place, const v1::Stream*>>& where, Span span,
      const std::function<Result<void>(const frame::View&, const v1::Stream&)>& visit) {
    if (where.empty()) return ok();
    ScanRange range;
    range.case_id = id;
    range.from = span.from;
    range.to = span.to;
    for (const auto& [place, stream] : where) range.streams.push_back(StreamId{place.second});
    CASEBOX_TRY(auto scan, shard->scan(range));
    while (true) {
      CASEBOX_TRY(auto stored, scan.next());
      if (!stored) return ok();
      CASEBOX_TRY(auto frame, frame::parse(stored->bytes));
      if (frame.header.kind != frame::Kind::kData) continue;
      for (const auto& [place, stream] : where)
        if (place.first == frame.header.epoch.value && place.second == frame.header.stream.value)
          CASEBOX_CHECK(visit(frame, *stream));
    }
  }

  Result<std::vector<EventAt>> events(const std::vector<std::pair<Place, const v1::Stream*>>& where,
                                      Span span) {
    std::vector<EventAt> out;
    // A frame's duration need not cover its events, so frames are taken from the start of the case.
    CASEBOX_CHECK(each_data(where, {CaseTime{INT64_MIN}, span.to},
                            [&](const frame::View& frame, const v1::Stream&) -> Result<void> {
                              const auto& h = frame.header;
                              CASEBOX_TRY(auto opened, body(frame));
                              CASEBOX_TRY(auto batch, parse_body<v1::EventBatch>(h, opened));
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
    Assembler assembler;
    auto take = [&](const frame::View& frame) -> Result<void> {
      CASEBOX_TRY(auto opened, body(frame));
      CASEBOX_TRY(auto part, parse_body<v1::MediaFragment>(frame.header, opened));
      if (auto whole = assembler.add(frame.header, std::move(part))) return visit(*whole);
      return ok();
    };
    const auto where = named(stream);
    if (span.from.ns != INT64_MIN || span.to.ns != INT64_MAX)
      return each_data(where, span,
                       [&](const frame::View& frame, const v1::Stream&) { return take(frame); });
    for (const auto& [place, entry] : where)
      CASEBOX_CHECK(shard->for_each_frame(id, Epoch{place.first}, StreamId{place.second},
                                          [&](const StoredFrame& stored) -> Result<void> {
                                            CASEBOX_TRY(auto frame, frame::parse(stored.bytes));
                                            return frame.header.kind == frame::Kind::kData
                                                       ? take(frame)
                                                       : ok();
                                          }));
    return ok();
  }

  /// Bodies of the recorder's stream-0 frames of one kind, in order.
  template <typename Message>
  Result<std::vector<std::pair<CaseTime, Message>>> control(
      frame::Kind kind, std::vector<SourceRef>* sources = nullptr) {
    std::vector<std::pair<CaseTime, Message>> out;
    for (const auto* epoch : recorder_epochs())
      CASEBOX_CHECK(shard->for_each_control(
          id, Epoch{epoch->epoch()}, kind, [&](const frame::View& frame) -> Result<void> {
            const auto& h = frame.header;
            CASEBOX_TRY(auto message, parse_body<Message>(h, frame.body));
            out.emplace_back(h.t, std::move(message));
            if (sources != nullptr) sources->push_back({h.epoch, h.stream, h.first, h.count});
            return ok();
          }));
    return out;
  }
};

CaseReader::CaseReader() : impl_(std::make_unique<Impl>()) {}
CaseReader::~CaseReader() = default;

Result<std::unique_ptr<CaseReader>> CaseReader::open(const Store& store, CaseId id,
                                                     keyring::Keyring& keyring,
                                                     keyring::Purpose purpose) {
  auto reader = std::unique_ptr<CaseReader>(new CaseReader);
  auto& impl = *reader->impl_;
  impl.id = id;
  impl.shard = store.shard_of(id);
  if (impl.shard == nullptr)
    return Error{Code::kNotFound, "case " + to_string(id) + " is not in " + store.dir().string()};
  CASEBOX_TRY(auto record, impl.shard->find_case(id));
  impl.record = std::move(*record);
  if (!keyring.available()) return reader;
  std::vector<v1::EpochRecord> epochs;
  for (const auto& epoch : impl.record.epochs())
    if (!epoch.sealed_epoch_key().empty()) epochs.push_back(epoch);
  auto keys = keyring.open(id, purpose, epochs, impl.record.case_public_key());
  if (keys) {
    impl.keys.emplace(std::move(*keys));
  } else {
    impl.why = keys.error();
  }
  return reader;
}

Result<void> CaseReader::readable() const {
  if (impl_->keys) return ok();
  return annotate(impl_->why, "content of case " + to_string(impl_->id));
}

const v1::CaseRecord& CaseReader::record() const { return impl_->record; }

std::optional<v1::Stream> CaseReader::find_stream(const std::string& name) const {
  const auto found = impl_->named(name);
  if (found.empty()) return std::nullopt;
  return *found.back().second;
}

std::vector<v1::Stream> CaseReader::streams(bool derived) const {
  std::vector<v1::Stream> out;
  for (const auto& r : impl_->record.streams()) {
    if (impl_->derived(r.epoch()) != derived || r.stream().name().empty()) continue;
    auto same = std::find_if(out.begin(), out.end(),
                             [&](const auto& s) { return s.name() == r.stream().name(); });
    if (same == out.end()) {
      out.push_back(r.stream());
    } else {
      *same = r.stream();
    }
  }
  return out;
}

Result<std::vector<EventAt>> CaseReader::events(v1::StreamKind kind, Span span,
                                                bool derived) const {
  return impl_->events(impl_->places([&](const auto& r) {
    return r.stream().kind() == kind && impl_->derived(r.epoch()) == derived;
  }),
                       span);
}

Result<std::vector<EventAt>> CaseReader::events_of(const std::string& stream, Span span) const {
  return impl_->events(impl_->named(stream), span);
}

Result<void> CaseReader::samples(const std::string& stream, const std::string& channel, Span span,
                                 const std::function<Result<void>(const SampleRun&)>& visit) const {
  const auto where = impl_->named(stream);
  bool known = false;
  for (const auto& [place, entry] : where)
    for (const auto& c : entry->channels()) known = known || c.name() == channel;
  if (!known)
    return Error{Code::kNotFound,
                 "case " + to_string(impl_->id) + " has no channel " + stream + "/" + channel};
  return impl_->each_data(
      where, span, [&](const frame::View& frame, const v1::Stream& entry) -> Result<void> {
        const v1::Channel* found = nullptr;
        for (const auto& c : entry.channels())
          if (c.name() == channel) found = &c;
        if (found == nullptr) return ok();
        CASEBOX_TRY(auto opened, impl_->body(frame));
        CASEBOX_TRY(auto chunk, parse_body<v1::SampleChunk>(frame.header, opened));
        CASEBOX_TRY(auto run, decode_samples(frame.header, chunk, entry, *found, span));
        return run ? visit(*run) : ok();
      });
}

Result<SampleRun> CaseReader::all_samples(const std::string& stream, const std::string& channel,
                                          Span span) const {
  SampleRun all;
  bool first = true;
  CASEBOX_CHECK(samples(stream, channel, span, [&](const SampleRun& run) -> Result<void> {
    if (first) {
      all.t0 = run.t0;
      all.u95_us = run.u95_us;
      all.source = run.source;
      first = false;
    }
    const size_t before = all.values.size();
    for (size_t i = 0; i < run.values.size(); ++i)
      all.times.push_back(run.times.empty()
                              ? run.t0 + from_seconds(static_cast<double>(i) / run.rate_hz)
                              : run.times[i]);
    all.values.insert(all.values.end(), run.values.begin(), run.values.end());
    all.codes.insert(all.codes.end(), run.codes.begin(), run.codes.end());
    all.t_src.insert(all.t_src.end(), run.t_src.begin(), run.t_src.end());
    if (!run.missing.empty() || !all.missing.empty()) {
      all.missing.resize(before, false);
      all.missing.insert(all.missing.end(), run.missing.begin(), run.missing.end());
      all.missing.resize(all.values.size(), false);
    }
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

Result<std::vector<GapAt>> CaseReader::gaps() const {
  std::vector<GapAt> out;
  for (const auto& r : impl_->record.streams()) {
    if (r.gap_frames() == 0 || impl_->derived(r.epoch())) continue;
    CASEBOX_CHECK(impl_->shard->for_each_gap(
        impl_->id, Epoch{r.epoch()}, StreamId{r.stream().stream_id()},
        [&](const StoredFrame& stored) -> Result<void> {
          CASEBOX_TRY(auto frame, frame::parse(stored.bytes));
          const auto& h = frame.header;
          CASEBOX_TRY(auto gap, parse_body<v1::Gap>(h, frame.body));
          out.push_back({std::move(gap), h.stream, h.epoch, h.first, h.count});
          return ok();
        }));
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.gap.t_begin_ns() < b.gap.t_begin_ns();
  });
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
  CASEBOX_TRY(auto found, impl_->control<v1::CaseControl>(frame::Kind::kCase));
  for (auto& [t, control] : found)
    if (control.has_open()) return std::move(*control.mutable_open());
  return Error{Code::kNotFound, "case " + to_string(impl_->id) + " has no case frame yet"};
}

Result<v1::SourceRange> CaseReader::source_range(Epoch epoch, StreamId stream, ItemNumber first,
                                                 ItemNumber last) const {
  const v1::EpochRecord* known = nullptr;
  for (const auto& e : impl_->record.epochs())
    if (e.epoch() == epoch.value) known = &e;
  if (known == nullptr)
    return Error{Code::kNotFound,
                 "epoch " + to_string(epoch) + " is not in case " + to_string(impl_->id)};
  v1::SourceRange range;
  seal::Sha256 sum;
  uint64_t next = first.value;
  bool any = false;
  while (next <= last.value) {
    CASEBOX_TRY(auto stored,
                impl_->shard->find_overlap(impl_->id, known->index(), stream, ItemNumber{next}, 1));
    if (!stored)
      return Error{Code::kNotFound, "stream " + std::to_string(stream.value) + " number " +
                                        std::to_string(next) + " is not in case " +
                                        to_string(impl_->id)};
    CASEBOX_TRY(auto frame, frame::parse(stored->bytes));
    const auto& h = frame.header;
    sum.update(stored->bytes);
    range.set_t0_ns(any ? std::min(range.t0_ns(), h.t.ns) : h.t.ns);
    range.set_t1_ns(any ? std::max(range.t1_ns(), h.end().ns) : h.end().ns);
    if (!any) {
      range.set_first_offset(stored->trailer.offset);
      range.set_read_from(stored->trailer.source);
    }
    range.set_last_offset(stored->trailer.offset);
    any = true;
    next = h.next();
  }
  range.set_epoch(epoch.value);
  range.set_stream_id(stream.value);
  range.set_first_number(first.value);
  range.set_last_number(last.value);
  range.set_sha256(Bytes(view(sum.finish())));
  for (const auto& r : impl_->record.streams())
    if (r.epoch() == epoch.value && r.stream().stream_id() == stream.value)
      range.set_stream(r.stream().name());
  return range;
}

}  // namespace casebox::storage
