#pragma once

// What a hostile bus may carry: one record of each kind, with the reason for which it must end in
// quarantine. Used through the memory bus and through a broker. Thread safety: free functions.

#include <string>
#include <vector>

#include "ingest/bus/bus.h"
#include "tests/support/frames.h"

namespace casebox::testing {

struct Poison {
  std::string kind;
  std::string reason;
  bus::Message message;
};

/// A frame's bytes with a header field changed and the checksum made right again.
inline Bytes with_header(const Bytes& frame, size_t at, BytesView value) {
  Bytes out = frame;
  out.replace(at, value.size(), value);
  out.replace(8, 4, Bytes(4, '\0'));
  char crc[4];
  store_le(crc, frame::crc32c(0, out));
  return out.replace(8, 4, Bytes(crc, 4));
}

template <typename T>
Bytes little(T value) {
  Bytes out(sizeof(T), '\0');
  store_le(out.data(), value);
  return out;
}

/// `closed`: a case that is stored and ended, with a wave on `wave`. `open`: one that goes on.
inline std::vector<Poison> poison(const FrameMaker& closed, const FrameMaker& open, StreamId wave) {
  std::vector<Poison> out;
  const auto add = [&](const std::string& kind, const std::string& reason, CaseId id, Bytes bytes) {
    out.push_back({kind, reason, {id, closed.producer, bus::Lane::kEvent, 0, std::move(bytes)}});
  };
  const CaseId id = closed.case_id;
  FrameMaker next = closed;  // goes on behind the closed epoch
  next.sealed = true;
  FrameMaker live = open;
  live.sealed = true;
  const Bytes good = FrameMaker(next).make(frame::Kind::kData, wave, {1}, Bytes(40, 'x'), 10);
  const auto control = [&](FrameMaker maker, frame::Kind kind, const Bytes& body) {
    return maker.make(kind, kControlStream, {}, body);
  };

  add("empty", "not-a-frame", id, "");
  add("noise", "not-a-frame", id, Bytes(500, '\x5a'));
  add("two MiB of noise", "not-a-frame", id, Bytes(2u << 20, '\x5a'));
  add("half a header", "not-a-frame", id, good.substr(0, 30));
  add("cut body", "not-a-frame", id, good.substr(0, good.size() - 5));
  add("magic", "not-a-frame", id, with_header(good, 0, "\x11"));
  add("version", "not-a-frame", id, with_header(good, 1, "\x09"));
  add("kind", "not-a-frame", id, with_header(good, 2, "\x63"));
  add("flags", "not-a-frame", id, with_header(good, 3, "\xff"));
  add("body length", "not-a-frame", id, with_header(good, 4, little<uint32_t>(0xfffffff0u)));
  add("count of none", "not-a-frame", id, with_header(good, 32, little<uint32_t>(0)));
  add("numbers past 64 bits", "not-a-frame", id,
      with_header(good, 24, little<uint64_t>(UINT64_MAX)));
  Bytes flipped = good;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  add("checksum", "not-a-frame", id, flipped);
  add("bytes behind", "not-a-frame", id, good + "x");
  add("data on stream 0", "not-a-frame", id, with_header(good, 12, little<uint32_t>(0)));
  add("no case", "no-case", CaseId{}, good);
  add("number 2^48", "number-range", id, with_header(good, 24, little<uint64_t>(1ull << 48)));
  add("number 2^63", "number-range", id, with_header(good, 24, little<uint64_t>(1ull << 63)));
  add("latest time", "time-range", id, with_header(good, 40, little<int64_t>(INT64_MAX)));
  add("earliest time", "time-range", id, with_header(good, 40, little<int64_t>(INT64_MIN)));
  add("plain data", "plain-data", id, with_header(good, 3, little<uint8_t>(0)));

  v1::Gap gap;
  gap.set_missing(5);
  add("gap that takes more than it says", "bad-gap", id,
      FrameMaker(next).make(frame::Kind::kGap, wave, {}, gap.SerializeAsString(), 4'000'000'000u));
  gap.set_missing(0);
  gap.set_count_unknown(true);
  add("unknown gap that takes many", "bad-gap", id,
      FrameMaker(next).make(frame::Kind::kGap, wave, {}, gap.SerializeAsString(), 9));
  gap.set_count_unknown(false);
  gap.set_missing(UINT64_MAX);
  add("gap of everything", "bad-gap", id,
      FrameMaker(next).make(frame::Kind::kGap, wave, {}, gap.SerializeAsString(), 1));
  gap.set_missing(1);
  gap.set_t_end_ns(INT64_MAX);
  add("gap until the end of time", "time-range", id,
      FrameMaker(next).make(frame::Kind::kGap, wave, {}, gap.SerializeAsString(), 1));
  add("gap body", "bad-body", id,
      FrameMaker(next).make(frame::Kind::kGap, wave, {}, "\xff\xff\xff", 1));
  gap.set_t_end_ns(0);
  gap.set_missing(4'000'000'000u);
  add("gap of 4e9 behind the end", "after-end", id,
      FrameMaker(next).make(frame::Kind::kGap, wave, {}, gap.SerializeAsString(), 4'000'000'000u));

  add("beat body", "bad-body", id, control(next, frame::Kind::kBeat, "\xff\xff"));
  v1::Beat beat;
  add("beat of nothing", "bad-beat", id,
      control(next, frame::Kind::kBeat, beat.SerializeAsString()));
  auto& own = *beat.add_positions();
  own.set_next_number(next.next.at(0));
  own.set_head("short");
  add("beat with a short head", "bad-beat", id,
      control(next, frame::Kind::kBeat, beat.SerializeAsString()));
  own.set_head(Bytes(32, 'h'));
  own.set_next_number(3);
  add("beat of other numbers", "bad-beat", id,
      control(next, frame::Kind::kBeat, beat.SerializeAsString()));
  own.set_next_number(next.next.at(0));
  for (uint32_t i = 1; i < 3000; ++i) {
    auto& more = *beat.add_positions();
    more.set_stream_id(i);
    more.set_head(Bytes(32, 'h'));
  }
  add("beat of 3000 streams", "bad-beat", id,
      control(next, frame::Kind::kBeat, beat.SerializeAsString()));

  add("case frame body", "bad-body", id, control(next, frame::Kind::kCase, "\xff\xff"));
  add("case frame of nothing", "bad-body", id, control(next, frame::Kind::kCase, ""));
  add("stream frame body", "bad-body", id, control(next, frame::Kind::kStream, "\xff\xff"));
  add("stream frame of stream 0", "bad-body", id, control(next, frame::Kind::kStream, ""));
  add("opening in the middle", "wrong-opening", id, FrameMaker(next).open());
  FrameMaker elsewhere;
  add("case frame of another case", "wrong-case", id, elsewhere.open());
  FrameMaker wrong_place(v1::PRODUCER_ROLE_RECORDER, id);
  wrong_place.key = closed.key;
  wrong_place.partition = 1;

  // Strangers, in every role.
  for (int role : {1, 4, 2, 3, 0, 99}) {
    FrameMaker stranger(static_cast<v1::ProducerRole>(role), id);
    stranger.sealed = true;
    const char* reason = role == 0 || role == 99 ? "unknown-role" : "not-enrolled";
    const std::string name = "stranger in role " + std::to_string(role);
    add(name + ": opening", reason, id, stranger.open());
    add(name + ": data", reason, id, stranger.event(StreamId{1}, {}, "alarm"));
    add(name + ": beat", reason, id, stranger.beat());
  }
  FrameMaker as_analysis(v1::PRODUCER_ROLE_ANALYSIS, id);  // a recorder's key in another role
  as_analysis.key = closed.key;
  add("known key in another role", "role-not-enrolled", id, as_analysis.open());
  FrameMaker new_case;
  new_case.producer = closed.producer;
  add("stranger's case", "not-enrolled", new_case.case_id, new_case.open());

  // Public keys can be copied.
  FrameMaker copied(v1::PRODUCER_ROLE_RECORDER, id);
  copied.key = closed.key;
  add("copied key: opening in the closed case", "awaiting-epoch", id, copied.open());
  copied.key = std::make_shared<seal::SigningKey>(seal::SigningKey::generate());
  add("copied key: beat without the key", "awaiting-epoch", id, copied.beat());
  FrameMaker copied_case;
  copied_case.key = closed.key;
  add("copied key: opening of a new case", "awaiting-epoch", copied_case.case_id,
      copied_case.open());
  FrameMaker nobody(v1::PRODUCER_ROLE_RECORDER, id);
  nobody.sealed = true;
  add("data of an epoch that nobody opened", "awaiting-epoch", id,
      nobody.event(StreamId{1}, {}, "alarm"));
  FrameMaker no_case;
  no_case.sealed = true;
  add("data of a case that is not here", "awaiting-epoch", no_case.case_id,
      no_case.event(StreamId{1}, {}, "alarm"));

  // In the closed case's own epoch.
  add("data behind the end", "after-end", id, good);
  add("another close", "after-end", id, FrameMaker(next).close());
  add("another beat", "after-end", id, FrameMaker(next).beat());
  add("another stream", "after-end", id,
      FrameMaker(next).stream(StreamId{77}, "x", v1::STREAM_KIND_DEVICE));
  add("wrong flag", "wrong-flag", id,
      with_header(good, 3, little<uint8_t>(frame::flag::kSealed | frame::flag::kDerived)));
  FrameMaker again = closed;
  again.sealed = true;
  again.next[wave.value] = 0;
  add("other bytes for a signed number", "not-signed", id,
      again.make(frame::Kind::kData, wave, {}, Bytes(40, 'y'), 3));
  add("data of a stream without a name", "awaiting-stream", open.case_id,
      FrameMaker(live).make(frame::Kind::kData, StreamId{500}, {}, Bytes(40, 'x')));
  return out;
}

}  // namespace casebox::testing
