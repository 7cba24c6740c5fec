#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "casebox/v1/control.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/frame/beat.h"
#include "proto/frame/role.h"
#include "proto/seal/seal.h"
#include "proto/verify/verify.h"

namespace casebox::verify {
namespace {

/// A signed statement about a stream: its head before `next`.
struct Signed {
  uint64_t next = 0;
  Digest head{};
  bool operator==(const Signed&) const = default;
};

struct StreamState {
  uint64_t next = 0;
  Digest head{};
  bool begun = false;
  bool broken = false;         // reported once; what follows cannot be compared
  std::vector<Signed> stated;  // ascending, from beats and the close frame
  size_t checked = 0;          // of `stated`
  seal::Sha256 frames;         // for the digest of the case
  bool any = false;
  uint64_t items = 0, missing = 0, unknown_gaps = 0, gap_frames = 0;
};

struct EpochState {
  ProducerId producer;
  bool opened = false;
  bool derived = false;
  Bytes signing_key;
  std::map<uint32_t, StreamState> streams;  // 0 included
  std::map<uint32_t, std::string> names;
  std::map<uint64_t, Digest> control_leaves;  // case, stream and key frames by number: for copies
  std::optional<v1::CloseFrame> close;
  bool close_covered = false;  // a beat came after it
  bool beaten = false;
  int64_t last_beat_ns = 0;
};

std::string number_text(StreamId stream, uint64_t number) {
  return "stream " + std::to_string(stream.value) + " number " + std::to_string(number);
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kComplete: return "COMPLETE";
    case Verdict::kCompleteWithDeclaredGaps: return "COMPLETE_WITH_DECLARED_GAPS";
    case Verdict::kUnclosed: return "UNCLOSED";
    case Verdict::kTampered: return "TAMPERED";
    case Verdict::kUntrustedKey: return "UNTRUSTED_KEY";
  }
  return "UNKNOWN";
}

struct CaseVerifier::Impl {
  CaseId case_id;
  Options options;
  Report report;
  bool tampered = false;
  bool torn = false;
  std::map<uint64_t, EpochState> epochs;
  std::vector<uint64_t> order;  // epochs as they came

  void tamper(std::string kind, std::string where, std::string detail) {
    report.problems.push_back({std::move(kind), std::move(where), std::move(detail)});
    tampered = true;
  }
  void count(const frame::View& frame) {
    ++report.frames;
    report.bytes += frame.bytes.size();
  }
  StreamState& stream_of(Epoch epoch, EpochState& state, StreamId stream) {
    auto [at, added] = state.streams.try_emplace(stream.value);
    if (added) at->second.head = frame::first_head(state.producer, case_id, stream, epoch);
    return at->second;
  }

  bool place(EpochState& epoch, StreamState& stream, const frame::View& frame,
             const std::string& where);
  void check_stated(StreamState& stream, StreamId id, const std::string& where);
  void take_case(EpochState& epoch, const frame::View& frame, const std::string& where);
  void take_beat(EpochState& epoch, const frame::View& frame, const Signed& before,
                 const std::string& where);
  void state(EpochState& epoch, Epoch id, const v1::StreamPosition& position,
             const std::string& where);
  void finish_epoch(uint64_t id, EpochState& epoch);
  void report_streams();
  void judge();
};

/// Moves the stream past the frame; false when the frame is not the next one.
bool CaseVerifier::Impl::place(EpochState&, StreamState& stream, const frame::View& frame,
                               const std::string& where) {
  const frame::Header& h = frame.header;
  if (h.first.value != stream.next) {
    if (!stream.broken) {
      const bool hole = h.first.value > stream.next;
      tamper(hole ? "hole" : "overlap", where,
             hole ? "numbers " + std::to_string(stream.next) + " to " +
                        std::to_string(h.first.value - 1) + " are missing and no gap declares them"
                  : "number " + std::to_string(h.first.value) + " stands here again");
    }
    stream.broken = true;
    if (h.first.value < stream.next) return false;
    // Goes on behind the hole, to count what is there and to find further damage.
    stream.next = h.first.value;
  }
  stream.head = frame::next_head(stream.head, frame::leaf_hash(frame));
  stream.next = h.next();
  stream.frames.update(frame.bytes);
  stream.any = true;
  return true;
}

void CaseVerifier::Impl::check_stated(StreamState& stream, StreamId id, const std::string& where) {
  while (stream.checked < stream.stated.size() &&
         stream.stated[stream.checked].next <= stream.next) {
    const Signed& stated = stream.stated[stream.checked++];
    if (stream.broken) continue;
    if (stated.next < stream.next) {
      tamper("chain", where,
             "a signed position, " + number_text(id, stated.next) + ", lies inside this frame");
    } else if (stated.head != stream.head) {
      tamper("chain", where,
             "the frames before " + number_text(id, stated.next) +
                 " are not those that the recorder signed");
    } else {
      continue;
    }
    stream.broken = true;
  }
}

void CaseVerifier::Impl::state(EpochState& epoch, Epoch id, const v1::StreamPosition& position,
                               const std::string& where) {
  const auto head = to_digest(position.head());
  if (!head) {
    tamper("beat", where,
           "the head of stream " + std::to_string(position.stream_id()) + " is not 32 bytes");
    return;
  }
  auto& stated = stream_of(id, epoch, StreamId{position.stream_id()}).stated;
  const Signed now{position.next_number(), *head};
  if (!stated.empty() && stated.back() == now) return;
  if (!stated.empty() && stated.back().next >= now.next) {
    tamper("beat", where,
           "stream " + std::to_string(position.stream_id()) + " goes back from number " +
               std::to_string(stated.back().next) + " to " + std::to_string(now.next));
    return;
  }
  stated.push_back(now);
}

void CaseVerifier::Impl::take_case(EpochState& epoch, const frame::View& frame,
                                   const std::string& where) {
  v1::CaseControl control;
  if (!control.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) {
    tamper("case", where, "case frame does not parse");
    return;
  }
  if (control.has_open()) {
    const v1::CaseFrame& open = control.open();
    if (frame.header.first.value != 0)
      tamper("case", where, "an opening that is not the epoch's first frame");
    if (open.case_id() != case_id.view()) tamper("case", where, "case frame names another case");
    if (open.producer_id() != epoch.producer.view())
      tamper("case", where, "case frame names another producer than its log");
    if (open.signing_key().size() != 32) tamper("case", where, "case frame has no signing key");
    epoch.opened = true;
    epoch.signing_key = open.signing_key();
    epoch.derived = !frame::owns_case(open.role());
    return;
  }
  if (!control.has_close()) return;
  if (epoch.close) tamper("case", where, "the epoch was closed before");
  epoch.close = control.close();
  for (const auto& position : control.close().positions())
    if (position.stream_id() != 0) state(epoch, frame.header.epoch, position, where);
}

void CaseVerifier::Impl::take_beat(EpochState& epoch, const frame::View& frame,
                                   const Signed& before, const std::string& where) {
  v1::Beat beat;
  if (!beat.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) {
    tamper("beat", where, "beat does not parse");
    return;
  }
  const Bytes message = frame::beat_message(case_id, epoch.producer, frame.header.epoch, beat);
  if (!seal::verify_signature(epoch.signing_key, message, beat.signature())) {
    tamper("signature", where, "beat is not signed by the epoch's key");
    return;
  }
  bool control = false;
  for (const auto& position : beat.positions()) {
    if (position.stream_id() != 0) {
      state(epoch, frame.header.epoch, position, where);
      continue;
    }
    control = true;
    const auto head = to_digest(position.head());
    if (position.next_number() != before.next || !head || *head != before.head)
      tamper("chain", where, "the control frames before it are not those that the recorder signed");
  }
  if (!control) tamper("beat", where, "beat does not cover the control stream");
  epoch.beaten = true;
  epoch.last_beat_ns = beat.t_ns();
  if (epoch.close) epoch.close_covered = true;
}

CaseVerifier::CaseVerifier(CaseId case_id, Options options) : impl_(std::make_unique<Impl>()) {
  impl_->case_id = case_id;
  impl_->options = options;
  impl_->report.case_id = case_id;
}
CaseVerifier::~CaseVerifier() = default;
CaseVerifier::CaseVerifier(CaseVerifier&&) noexcept = default;

void CaseVerifier::add_control(const frame::View& frame, ProducerId producer,
                               const std::string& where) {
  Impl& impl = *impl_;
  const frame::Header& h = frame.header;
  impl.count(frame);
  auto [at, added] = impl.epochs.try_emplace(h.epoch.value);
  EpochState& epoch = at->second;
  if (added) {
    epoch.producer = producer;
    impl.order.push_back(h.epoch.value);
  }
  if (epoch.producer != producer)
    impl.tamper("case", where, "epoch " + to_string(h.epoch) + " comes from two producers");
  if (epoch.close_covered) impl.tamper("case", where, "a frame after the end of its epoch");
  StreamState& stream = impl.stream_of(h.epoch, epoch, kControlStream);
  const Signed before{stream.next, stream.head};
  if (!impl.place(epoch, stream, frame, where)) return;
  switch (h.kind) {
    case frame::Kind::kCase: impl.take_case(epoch, frame, where); break;
    case frame::Kind::kBeat: impl.take_beat(epoch, frame, before, where); break;
    case frame::Kind::kStream: {
      v1::Stream entry;
      if (entry.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) {
        epoch.names[entry.stream_id()] = entry.name();
        impl.stream_of(h.epoch, epoch, StreamId{entry.stream_id()});
      } else {
        impl.tamper("stream", where, "stream frame does not parse");
      }
      break;
    }
    default: break;
  }
  if (h.kind == frame::Kind::kCase || h.kind == frame::Kind::kStream || h.kind == frame::Kind::kKey)
    epoch.control_leaves[h.first.value] = frame::leaf_hash(frame);
}

void CaseVerifier::add(const frame::View& frame, const std::string& where) {
  Impl& impl = *impl_;
  const frame::Header& h = frame.header;
  if (h.kind == frame::Kind::kDraft) return;  // outside chain, tiling and digest
  impl.count(frame);
  const auto found = impl.epochs.find(h.epoch.value);
  if (found == impl.epochs.end()) {
    impl.tamper("case", where, "a frame of an epoch that nothing opens");
    return;
  }
  EpochState& epoch = found->second;
  StreamState& stream = impl.stream_of(h.epoch, epoch, h.stream);
  if (!epoch.names.contains(h.stream.value) && !stream.begun)
    impl.tamper("stream", where, "a frame of a stream that no stream frame registers");
  stream.begun = true;
  impl.check_stated(stream, h.stream, where);  // positions before the first frame
  if (!impl.place(epoch, stream, frame, where)) return;
  impl.check_stated(stream, h.stream, where);
  if (h.kind != frame::Kind::kGap) {
    stream.items += h.count;
    return;
  }
  ++stream.gap_frames;
  v1::Gap gap;
  if (!gap.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) {
    impl.tamper("gap", where, "gap does not parse");
  } else if (gap.count_unknown()) {
    ++stream.unknown_gaps;
  } else {
    stream.missing += gap.missing();
  }
}

void CaseVerifier::add_copy(const frame::View& frame, const std::string& where) {
  const auto epoch = impl_->epochs.find(frame.header.epoch.value);
  if (epoch != impl_->epochs.end()) {
    const auto leaf = epoch->second.control_leaves.find(frame.header.first.value);
    if (leaf != epoch->second.control_leaves.end() && leaf->second == frame::leaf_hash(frame))
      return;
  }
  impl_->tamper("copy", where, "a copy at the front of the file differs from the frame it copies");
}

void CaseVerifier::check_position(Epoch epoch, const v1::StreamPosition& position, bool pass2,
                                  const std::string& where) {
  const StreamId stream{position.stream_id()};
  if ((stream != kControlStream) != pass2) return;
  const auto found = impl_->epochs.find(epoch.value);
  if (found == impl_->epochs.end()) return;  // an earlier file that holds it is gone
  const StreamState& state = impl_->stream_of(epoch, found->second, stream);
  if (state.broken) return;
  const auto head = to_digest(position.head());
  if (position.next_number() == state.next && head && *head == state.head) return;
  impl_->tamper("position", where,
                "the file's header does not give the place of " + number_text(stream, state.next));
}

void CaseVerifier::add_problem(Problem problem, bool tampered) {
  impl_->tampered = impl_->tampered || tampered;
  impl_->torn = impl_->torn || !tampered;
  impl_->report.problems.push_back(std::move(problem));
}

void CaseVerifier::Impl::finish_epoch(uint64_t id, EpochState& epoch) {
  const std::string where = "epoch " + to_string(Epoch{id});
  if (!epoch.opened) tamper("case", where, "its case frame is missing");
  for (auto& [stream_id, stream] : epoch.streams) {
    check_stated(stream, StreamId{stream_id}, where);
    const bool signed_more = !stream.stated.empty() && stream.stated.back().next > stream.next;
    if (signed_more && !stream.broken)
      tamper("hole", where + " " + number_text(StreamId{stream_id}, stream.next),
             "the recorder signed numbers up to " + std::to_string(stream.stated.back().next - 1) +
                 "; they are missing");
    const bool after_end =
        epoch.close_covered && stream_id != 0 &&
        (stream.stated.empty() ? stream.next != 0 : stream.stated.back().next < stream.next);
    if (after_end && !stream.broken)
      tamper("case", where + " " + number_text(StreamId{stream_id}, stream.next),
             "frames after the numbers that the close frame names");
  }
}

void CaseVerifier::Impl::report_streams() {
  std::map<std::tuple<bool, uint32_t, std::string>, StreamReport> rows;
  for (const uint64_t id : order) {
    const EpochState& epoch = epochs.at(id);
    for (const auto& [stream_id, stream] : epoch.streams) {
      if (stream_id == 0) continue;
      const auto name = epoch.names.find(stream_id);
      const std::string text = name == epoch.names.end() ? "" : name->second;
      StreamReport& row = rows[{epoch.derived, stream_id, text}];
      row.stream = StreamId{stream_id};
      row.name = text;
      ++row.epochs;
      row.last_number = std::max(row.last_number, stream.next == 0 ? 0 : stream.next - 1);
      row.items += stream.items;
      row.missing += stream.missing;
      row.unknown_gaps += stream.unknown_gaps;
      row.gap_frames += stream.gap_frames;
    }
  }
  for (auto& [key, row] : rows) report.streams.push_back(std::move(row));
}

void CaseVerifier::Impl::judge() {
  const EpochState* newest = nullptr;
  bool unfinished = false, untrusted = false, gaps = false, derived_open = false;
  for (const uint64_t id : order) {
    const EpochState& epoch = epochs.at(id);
    if (epoch.derived) {
      derived_open = derived_open || !epoch.close_covered;
      continue;
    }
    newest = &epoch;
    unfinished = unfinished || !epoch.close_covered;
    if (options.trusted_key && epoch.signing_key != view(Digest(*options.trusted_key)))
      untrusted = true;
    for (const auto& [stream_id, stream] : epoch.streams) gaps = gaps || stream.gap_frames > 0;
    if (epoch.beaten)
      report.valid_to_s = std::max(report.valid_to_s, CaseTime{epoch.last_beat_ns}.seconds());
  }
  const bool ended = newest != nullptr && newest->close_covered &&
                     newest->close->reason() == v1::CloseFrame::REASON_CASE_ENDED;
  report.verdict = tampered                       ? Verdict::kTampered
                   : untrusted                    ? Verdict::kUntrustedKey
                   : unfinished || !ended || torn ? Verdict::kUnclosed
                   : gaps                         ? Verdict::kCompleteWithDeclaredGaps
                                                  : Verdict::kComplete;
  auto& proven = report.proven;
  auto& open = report.not_proven;
  if (!tampered && newest != nullptr && newest->beaten)
    proven.push_back("every frame up to " + std::to_string(report.valid_to_s) +
                     " s is the one that the holder of the signing key signed, in its order");
  if (report.verdict == Verdict::kComplete)
    proven.push_back("every number of every stream is there");
  if (report.verdict == Verdict::kCompleteWithDeclaredGaps)
    proven.push_back("every number of every stream is there or declared missing with its cause");
  if (options.trusted_key && !untrusted && newest != nullptr)
    proven.push_back("the signing key is the one given");
  if (!options.trusted_key) open.push_back("whose key signed it: compare the key with --log-key");
  if (tampered) open.push_back("that this is what was recorded");
  if (!ended || unfinished)
    open.push_back("that nothing followed: no signed frame ends the recording");
  if (derived_open)
    open.push_back("that all derived records are here: a derived epoch is not closed");
  open.push_back("when it was made: no outside witness or time stamp is attached");
}

Report CaseVerifier::finish() {
  Impl& impl = *impl_;
  for (auto& [id, epoch] : impl.epochs) impl.finish_epoch(id, epoch);
  impl.report_streams();
  impl.judge();
  seal::Sha256 whole;
  for (auto& [id, epoch] : impl.epochs) {
    if (epoch.derived) continue;
    for (auto& [stream_id, stream] : epoch.streams) {
      if (!stream.any) continue;
      char place[12];
      store_le(place, id);
      store_le(place + 8, stream_id);
      whole.update({place, sizeof place});
      whole.update(view(stream.frames.finish()));
    }
  }
  impl.report.case_digest = whole.finish();
  return std::move(impl.report);
}

}  // namespace casebox::verify
