#include "proto/log/internal/case_state.h"

#include <algorithm>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/control.pb.h"
#include "casebox/v1/stream.pb.h"

namespace casebox::log::internal {
namespace {

template <typename Message>
bool parse(const frame::View& frame, Message& message) {
  return message.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
}

}  // namespace

void CaseState::learn(const frame::View& frame, const Digest* leaf) {
  const frame::Header& h = frame.header;
  if (h.kind == frame::Kind::kDraft) return;  // outside chain and numbers
  remember(frame);
  auto [position, fresh] = positions_[h.epoch.value].try_emplace(h.stream.value);
  if (fresh) position->second.head = frame::first_head(producer_, case_id_, h.stream, h.epoch);
  position->second.head =
      frame::next_head(position->second.head, leaf ? *leaf : frame::leaf_hash(frame));
  position->second.next = h.next();
  if (h.kind == frame::Kind::kGap) ++position->second.gap_frames;
}

void CaseState::remember(const frame::View& frame) {
  const uint64_t epoch = frame.header.epoch.value;
  switch (frame.header.kind) {
    case frame::Kind::kCase: {
      v1::CaseControl control;
      if (!parse(frame, control) || !control.has_open()) return;
      // A producer runs one epoch at a time in a case: its earlier ones are finished.
      drop_epochs_but(epoch);
      replace(frame, {{epoch, frame::Kind::kCase, 0, false}});
      return;
    }
    case frame::Kind::kStream: {
      v1::Stream stream;
      if (parse(frame, stream))
        replace(frame, {{epoch, frame::Kind::kStream, stream.stream_id(), false}});
      return;
    }
    case frame::Kind::kKey: {
      v1::KeyFrame keys;
      if (!parse(frame, keys)) return;
      std::vector<Thing> things;
      for (const v1::KeyCommitment& key : keys.periods())
        things.push_back({epoch, frame::Kind::kKey, key.stream_id(), key.draft()});
      replace(frame, std::move(things));
      return;
    }
    default: return;
  }
}

void CaseState::replace(const frame::View& frame, std::vector<Thing> things) {
  if (things.empty()) return;
  const uint64_t key = order_++;
  for (const Thing& thing : things) {
    auto [at, fresh] = newest_.try_emplace(thing, key);
    if (fresh) continue;
    if (at->second != key) {
      auto old = copies_.find(at->second);
      std::erase(old->second.things, thing);
      if (old->second.things.empty()) copies_.erase(old);
    }
    at->second = key;
  }
  std::sort(things.begin(), things.end());
  things.erase(std::unique(things.begin(), things.end()), things.end());
  copies_[key] = {Bytes(frame.bytes), std::move(things)};
}

void CaseState::drop_epochs_but(uint64_t epoch) {
  std::erase_if(copies_,
                [&](const auto& copy) { return copy.second.things.front().epoch != epoch; });
  std::erase_if(newest_, [&](const auto& entry) { return entry.first.epoch != epoch; });
  std::erase_if(positions_, [&](const auto& entry) { return entry.first != epoch; });
}

void CaseState::resume(const v1::LogFileHeader& header) {
  for (const v1::EpochPositions& epoch : header.epochs())
    for (const v1::StreamPosition& position : epoch.positions()) {
      auto head = to_digest(position.head());
      if (!head) continue;
      positions_[epoch.epoch()][position.stream_id()] = {position.next_number(), *head,
                                                         position.gap_frames()};
    }
}

Bytes CaseState::preamble(v1::LogFileHeader& header) const {
  Bytes out;
  for (const auto& [key, copy] : copies_) out += copy.bytes;
  header.set_preamble_frames(static_cast<uint32_t>(copies_.size()));
  header.set_preamble_bytes(static_cast<uint32_t>(out.size()));
  for (const auto& [epoch, streams] : positions_) {
    auto& e = *header.add_epochs();
    e.set_epoch(epoch);
    for (const auto& [stream, position] : streams) {
      auto& p = *e.add_positions();
      p.set_stream_id(stream);
      p.set_next_number(position.next);
      p.set_head(Bytes(view(position.head)));
      p.set_gap_frames(position.gap_frames);
    }
  }
  return out;
}

}  // namespace casebox::log::internal
