#include <algorithm>
#include <map>
#include <utility>

#include "casebox/v1/control.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/frame/role.h"
#include "proto/seal/seal.h"
#include "proto/verify/internal/impl.h"
#include "proto/verify/verify.h"

namespace casebox::verify {

std::string number_text(StreamId stream, uint64_t number) {
  return "stream " + std::to_string(stream.value) + " number " + std::to_string(number);
}

std::string place(const frame::Header& h, const Where& where) {
  const std::string number = number_text(h.stream, h.first.value);
  return where ? "file " + std::to_string(where->file) + " offset " + std::to_string(where->byte) +
                     ", " + number
               : "epoch " + to_string(h.epoch) + " " + number;
}

/// Goes behind a hole, so that what is there is counted and further damage found; false for a
/// number that has passed.
bool CaseVerifier::Impl::move_to(StreamState& stream, const Hand& hand, const Digest* leaf) {
  const uint64_t first = hand.header.first.value;
  if (first == stream.next) return true;
  if (first < stream.next) {
    // The very same frame again is no other story: a copy in a file whose header is damaged.
    const auto same = std::ranges::lower_bound(stream.seen, first, {}, &internal::Seen::first);
    if (leaf != nullptr && same != stream.seen.end() && same->first == first && same->leaf == *leaf)
      return false;
    tamper("overlap", hand.text(), "number " + std::to_string(first) + " stands here again");
    return false;
  }
  blame(Weight::kDamage, "hole", hand.text(),
        "numbers " + std::to_string(stream.next) + " to " + std::to_string(first - 1) +
            " are missing and no gap declares them");
  stream.broken = true;
  stream.lost = true;
  stream.next = first;
  return true;
}

void CaseVerifier::Impl::chain(StreamState& stream, const frame::Header& h, const Digest& leaf) {
  stream.head = frame::next_head(stream.head, leaf);
  stream.next = h.next();
  stream.any = true;
  if (h.kind == frame::Kind::kGap) ++stream.counted_gaps;
}

void CaseVerifier::Impl::take_case(EpochState& epoch, const frame::View& frame, const Hand& hand) {
  v1::CaseControl control;
  if (!control.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) {
    tamper("case", hand.text(), "case frame does not parse");
    return;
  }
  if (control.has_open()) {
    const v1::CaseFrame& open = control.open();
    if (frame.header.first.value != 0)
      tamper("case", hand.text(), "an opening that is not the epoch's first frame");
    if (open.case_id() != case_id.view())
      tamper("case", hand.text(), "case frame names another case");
    if (open.producer_id() != epoch.producer.view())
      tamper("case", hand.text(), "case frame names another producer than its log");
    if (open.signing_key().size() != 32)
      tamper("case", hand.text(), "case frame has no signing key");
    if (epoch.open) return;
    epoch.open = open;
    epoch.derived = !frame::owns_case(open.role());
    if (open.role() == v1::PRODUCER_ROLE_RECORDER && open.start_utc_ns() != 0 &&
        open.start_utc_ns() < uint64_t{INT64_MAX} / 2)
      epoch.begins = UtcTime{static_cast<int64_t>(open.start_utc_ns()) + frame.header.t.ns};
    return;
  }
  if (!control.has_close()) return;
  if (epoch.close) tamper("case", hand.text(), "the epoch was closed before");
  epoch.close = control.close();
  for (const auto& position : control.close().positions())
    if (position.stream_id() != 0) state(epoch, frame.header.epoch, position, false, hand);
}

void CaseVerifier::Impl::take_stream(EpochState& epoch, const frame::View& frame,
                                     const Hand& hand) {
  v1::Stream entry;
  if (!entry.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size())) ||
      entry.stream_id() == 0) {
    tamper("stream", hand.text(), "stream frame does not parse");
    return;
  }
  epoch.names[entry.stream_id()] = entry.name();
  stream_of(frame.header.epoch, epoch, StreamId{entry.stream_id()});
}

void CaseVerifier::Impl::take_keys(EpochState& epoch, const frame::View& frame, const Hand& hand) {
  v1::KeyFrame keys;
  if (!keys.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) {
    tamper("commitment", hand.text(), "key frame does not parse");
    return;
  }
  for (const v1::KeyCommitment& key : keys.periods()) {
    if (key.draft()) continue;
    const Digest said = seal::sha256({key.salt(), key.commitment()});
    const auto [at, fresh] =
        epoch.commitments.emplace(internal::Period{key.stream_id(), key.period()}, said);
    if (!fresh && at->second != said)
      tamper("commitment", hand.text(),
             "period " + std::to_string(key.period()) + " of stream " +
                 std::to_string(key.stream_id()) + " was committed to another key before");
  }
}

CaseVerifier::CaseVerifier(CaseId case_id, Options options) : impl_(std::make_unique<Impl>()) {
  impl_->case_id = case_id;
  impl_->options = std::move(options);
  impl_->report.case_id = case_id;
  impl_->report.verdict = Verdict::kComplete;
}
CaseVerifier::~CaseVerifier() = default;
CaseVerifier::CaseVerifier(CaseVerifier&&) noexcept = default;

void CaseVerifier::add_control(const frame::View& frame, ProducerId producer, const Where& where) {
  Impl& impl = *impl_;
  const frame::Header& h = frame.header;
  const Impl::Hand hand{h, where};
  impl.count(frame);
  auto [at, added] = impl.epochs.try_emplace(h.epoch.value);
  EpochState& epoch = at->second;
  if (added) {
    epoch.producer = producer;
    impl.order.push_back(h.epoch.value);
  }
  if (epoch.producer != producer)
    impl.tamper("case", hand.text(), "epoch " + to_string(h.epoch) + " comes from two producers");
  const bool ended = epoch.close_covered;
  StreamState& stream = impl.stream_of(h.epoch, epoch, kControlStream);
  const Digest leaf = frame::leaf_hash(frame);
  if (!impl.move_to(stream, hand, &leaf)) return;
  if (ended) impl.tamper("case", hand.text(), "a frame after the end of its epoch");
  const Signed before{stream.next, stream.head, {}};
  stream.seen.push_back({h.first.value, leaf});
  impl.chain(stream, h, leaf);
  switch (h.kind) {
    case frame::Kind::kCase: impl.take_case(epoch, frame, hand); break;
    case frame::Kind::kBeat: impl.take_beat(epoch, frame, before, hand); break;
    case frame::Kind::kStream: impl.take_stream(epoch, frame, hand); break;
    case frame::Kind::kKey: impl.take_keys(epoch, frame, hand); break;
    default: break;
  }
  if (epoch.open && h.has(frame::flag::kDerived) != epoch.derived)
    impl.tamper("flag", hand.text(), "its flag 'derived' is not that of its producer's role");
  if (h.kind == frame::Kind::kCase || h.kind == frame::Kind::kStream || h.kind == frame::Kind::kKey)
    epoch.control_leaves[h.first.value] = leaf;
}

/// The epoch of a frame that is not a control frame, or null if nothing opens it.
EpochState* CaseVerifier::Impl::check_place(const frame::Header& h, const Hand& hand) {
  const auto found = epochs.find(h.epoch.value);
  if (found == epochs.end()) {
    if (strangers++ == 0) first_stranger = hand.text();
    return nullptr;
  }
  EpochState& epoch = found->second;
  StreamState& stream = stream_of(h.epoch, epoch, h.stream);
  if (!epoch.names.contains(h.stream.value) && !stream.begun)
    blame(epoch.streams.at(0).lost ? Weight::kDamage : Weight::kTamper, "stream", hand.text(),
          "a frame of a stream that no stream frame registers");
  stream.begun = true;
  return &epoch;
}

/// What a frame says beside its place in the chain.
void CaseVerifier::Impl::check_body(EpochState& epoch, StreamState& stream,
                                    const frame::View& frame, const Hand& hand) {
  const frame::Header& h = frame.header;
  if (h.has(frame::flag::kDerived) != epoch.derived)
    tamper("flag", hand.text(), "its flag 'derived' is not that of its producer's role");
  if (h.kind == frame::Kind::kData) {
    stream.items += h.count;
    if (!h.has(frame::flag::kSealed)) {
      ++stream.plain;
      if (epoch.open && !epoch.open->sealed_epoch_key().empty())
        tamper("plain", hand.text(), "content in the clear in an epoch that seals it");
    } else if (!epoch.commitments.contains({h.stream.value, h.period.value})) {
      blame(epoch.streams.at(0).lost ? Weight::kDamage : Weight::kTamper, "commitment", hand.text(),
            "sealed under key period " + std::to_string(h.period.value) +
                ", which no key frame commits to");
    }
    return;
  }
  ++stream.gap_frames;
  v1::Gap gap;
  if (!gap.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) {
    tamper("gap", hand.text(), "gap does not parse");
  } else if (gap.count_unknown()) {
    ++stream.unknown_gaps;
  } else {
    stream.missing += gap.missing();
  }
}

void CaseVerifier::add(const frame::View& frame, const Where& where, const Digest* known) {
  Impl& impl = *impl_;
  const frame::Header& h = frame.header;
  if (h.kind == frame::Kind::kDraft) return;  // outside chain, tiling and digest
  const Impl::Hand hand{h, where};
  impl.count(frame);
  EpochState* epoch = impl.check_place(h, hand);
  if (epoch == nullptr) return;
  StreamState& stream = epoch->streams.at(h.stream.value);
  impl.check_stated(stream, hand);  // positions before the first frame
  const Digest leaf = known != nullptr ? *known : frame::leaf_hash(frame);
  if (!impl.move_to(stream, hand, &leaf)) return;
  impl.check_stated(stream, hand);  // where it can be taken up behind a hole
  impl.chain(stream, h, leaf);
  stream.seen.push_back({h.first.value, leaf});
  impl.check_body(*epoch, stream, frame, hand);
  impl.check_stated(stream, hand);
}

void CaseVerifier::add_leaf(const Leaf& leaf) {
  Impl& impl = *impl_;
  frame::Header h;
  h.epoch = leaf.epoch;
  h.stream = leaf.stream;
  h.first = leaf.first;
  h.count = leaf.count;
  const Where where;
  const Impl::Hand hand{h, where};
  ++impl.report.frames;
  EpochState* epoch = impl.check_place(h, hand);
  if (epoch == nullptr) return;
  StreamState& stream = epoch->streams.at(h.stream.value);
  impl.check_stated(stream, hand);
  if (!impl.move_to(stream, hand, nullptr)) return;
  impl.check_stated(stream, hand);
  impl.chain(stream, h, leaf.hash);
  stream.items += h.count;
  impl.check_stated(stream, hand);
}

bool CaseVerifier::signs_gaps(Epoch epoch) const {
  const auto found = impl_->epochs.find(epoch.value);
  return found != impl_->epochs.end() && found->second.signs_gaps;
}

std::optional<uint64_t> CaseVerifier::newest_beat(Epoch epoch) const {
  const auto known = impl_->epochs.find(epoch.value);
  if (known == impl_->epochs.end() || !known->second.beaten) return std::nullopt;
  return known->second.last_beat_number;
}

void CaseVerifier::add_copy(const frame::View& frame, const Where& where) {
  const auto epoch = impl_->epochs.find(frame.header.epoch.value);
  const bool lost = epoch == impl_->epochs.end() || epoch->second.streams.at(0).lost;
  if (epoch != impl_->epochs.end()) {
    const auto leaf = epoch->second.control_leaves.find(frame.header.first.value);
    if (leaf != epoch->second.control_leaves.end() && leaf->second == frame::leaf_hash(frame))
      return;
    if (leaf != epoch->second.control_leaves.end()) {
      impl_->tamper("copy", place(frame.header, where),
                    "a copy at the front of the file differs from the frame it copies");
      return;
    }
  }
  impl_->blame(lost ? Weight::kDamage : Weight::kTamper, "copy", place(frame.header, where),
               "a copy at the front of the file of a frame that is not there");
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
  const bool ahead = position.next_number() > state.next;
  impl_->blame(ahead ? Weight::kDamage : Weight::kTamper, "position", where,
               "the file's header does not give the place of " + number_text(stream, state.next));
}

void CaseVerifier::add_problem(Problem problem, Weight weight) {
  impl_->torn = impl_->torn || weight == Weight::kTorn;
  impl_->report.blame(std::move(problem), weight);
}

void CaseVerifier::Impl::finish_epoch(uint64_t id, EpochState& epoch) {
  const std::string where = "epoch " + to_string(Epoch{id});
  if (!epoch.open) blame(Weight::kDamage, "case", where, "its case frame is missing");
  check_signatures(epoch, false);
  for (auto& [stream_id, stream] : epoch.streams) {
    frame::Header at;
    at.epoch = Epoch{id};
    at.stream = StreamId{stream_id};
    at.first = ItemNumber{stream.next};
    const Where none;
    const Hand hand{at, none};
    check_stated(stream, hand);
    const bool signed_more = !stream.stated.empty() && stream.stated.back().next > stream.next;
    if (signed_more) {
      blame(Weight::kDamage, "hole", hand.text(),
            "numbers up to " + std::to_string(stream.stated.back().next - 1) +
                " were signed; they are missing");
    }
    const bool after_end =
        epoch.close_covered && stream_id != 0 &&
        (stream.stated.empty() ? stream.next != 0 : stream.stated.back().next < stream.next);
    if (after_end)
      tamper("case", hand.text(), "frames after the numbers that the close frame names");
  }
}

Report CaseVerifier::finish() {
  Impl& impl = *impl_;
  for (auto& [id, epoch] : impl.epochs) impl.finish_epoch(id, epoch);
  // Where bytes are unreadable, the opening may be among them.
  if (impl.strangers > 0)
    impl.blame(
        impl.report.problem_counts.contains("crc") ? Weight::kDamage : Weight::kTamper, "case",
        impl.first_stranger,
        std::to_string(impl.strangers) + " frames from here on are of epochs that nothing opens");
  internal::report_streams(impl.epochs, impl.order, impl.report);
  internal::name_signers(impl.epochs, impl.order, impl.options, impl.report);
  internal::judge(impl.epochs, impl.order, impl.options, impl.torn, impl.report);
  std::vector<frame::StreamHead> heads;
  for (const auto& [id, epoch] : impl.epochs) {
    if (epoch.derived) continue;
    for (const auto& [stream_id, stream] : epoch.streams)
      if (stream.any) heads.push_back({Epoch{id}, StreamId{stream_id}, stream.next, stream.head});
  }
  impl.report.case_digest = frame::case_digest(std::move(heads));
  return std::move(impl.report);
}

}  // namespace casebox::verify
