// The layout of docs/formats/frame.md, byte by byte, and everything that must not parse.
#include "proto/frame/frame.h"

#include <gtest/gtest.h>

#include "casebox/v1/control.pb.h"
#include "proto/frame/beat.h"
#include "proto/seal/seal.h"

namespace casebox::frame {
namespace {

/// The worked example of docs/formats/frame.md.
Header example() {
  Header h;
  h.kind = Kind::kGap;
  h.stream = StreamId{7};
  h.epoch = Epoch{0x1122334455667788};
  h.first = ItemNumber{500};
  h.count = 250;
  h.u95_us = 1200;
  h.t = CaseTime{61'000'000'000};
  h.t_capture = MonoTime{9'000'000'000};
  h.duration_us = 500'000;
  return h;
}
constexpr std::string_view kExampleBody =
    "0801120c646973636f6e6e656374656418fa0128808891bec60330809cfc9aca03";
constexpr std::string_view kExampleFrame =
    "cb01030021000000bbad64d2070000008877665544332211f401000000000000"
    "fa000000b00400000022e2330e000000001a71180200000020a1070000000000"
    "0801120c646973636f6e6e656374656418fa0128808891bec60330809cfc9aca"
    "03";
constexpr std::string_view kExampleLeafHash =
    "b7dd524b21d8215a2a12d480c2a2e74e791e8ac796883ad79a90205f37aedd2c";

// Expected bytes were made by a few lines of Python from the page alone, not by this program.
TEST(Frame, HasTheBytesThatItsPageShows) {
  const Bytes bytes = *encode(example(), *from_hex(kExampleBody));
  EXPECT_EQ(to_hex(bytes), kExampleFrame);
  EXPECT_EQ(to_hex(leaf_hash(*parse(bytes))), kExampleLeafHash);
  v1::Gap gap;
  ASSERT_TRUE(gap.ParseFromString(*from_hex(kExampleBody)));
  EXPECT_EQ(gap.reason(), "disconnected");
  EXPECT_EQ(gap.missing(), 250u);
}

TEST(Frame, ComesBackAsItWent) {
  const Bytes bytes = *encode(example(), "body");
  const Bytes more = bytes + "what follows";
  auto view = parse(more);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->bytes, bytes);
  EXPECT_EQ(view->body, "body");
  const Header& h = view->header;
  EXPECT_EQ(h.kind, Kind::kGap);
  EXPECT_EQ(h.stream, StreamId{7});
  EXPECT_EQ(h.epoch, Epoch{0x1122334455667788});
  EXPECT_EQ(h.first, ItemNumber{500});
  EXPECT_EQ(h.count, 250u);
  EXPECT_EQ(h.next(), 750u);
  EXPECT_EQ(h.u95_us, 1200u);
  EXPECT_EQ(h.t, CaseTime{61'000'000'000});
  EXPECT_EQ(h.t_capture, MonoTime{9'000'000'000});
  EXPECT_EQ(h.duration_us, 500'000u);
  EXPECT_EQ(h.end(), CaseTime{61'500'000'000});
}

TEST(Frame, ParsesWithNoByteChanged) {
  const Bytes bytes = *encode(example(), "a body of some bytes");
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int mask : {0x01, 0x80, 0xff}) {
      Bytes changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ mask);
      EXPECT_FALSE(parse(changed)) << "byte " << i << " mask " << mask;
    }
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse(BytesView(bytes).substr(0, size))) << size << " bytes";
}

TEST(Frame, RefusesWhatNoProducerMayMake) {
  EXPECT_EQ(encode(example(), Bytes(kMaxBody + 1, 'x')).error().code, Code::kInvalidArgument);
  Header none = example();
  none.count = 0;
  EXPECT_FALSE(encode(none, ""));
  const auto refused = [](auto change) {
    Header h = example();
    change(h);
    return !parse(*encode(h, "x"));
  };
  EXPECT_TRUE(refused([](Header& h) { h.stream = kControlStream; })) << "a gap in stream 0";
  EXPECT_TRUE(refused([](Header& h) { h.kind = Kind::kBeat; })) << "a beat outside stream 0";
  EXPECT_TRUE(refused([](Header& h) { h.flags = 0x40; })) << "an unknown flag";
  EXPECT_TRUE(refused([](Header& h) { h.flags = flag::kSealed; })) << "a sealed gap";
  EXPECT_TRUE(refused([](Header& h) { h.kind = static_cast<Kind>(9); })) << "an unknown kind";
  EXPECT_TRUE(refused([](Header& h) { h.first = ItemNumber{UINT64_MAX - 3}; }))
      << "numbers that wrap";
}

TEST(Frame, LeafHashIsThatOfHeaderAndBodyDigest) {
  const Bytes bytes = *encode(example(), "body");
  Bytes leaf(1, '\0');
  leaf += bytes.substr(0, kHeaderSize);
  for (size_t i = 9; i < 13; ++i) leaf[i] = '\0';  // CRC, behind the 0x00 of RFC 9162
  leaf += Bytes(view(seal::sha256("body")));
  EXPECT_EQ(leaf_hash(*parse(bytes)), seal::sha256(leaf));
}

TEST(Frame, ChainBindsProducerCaseStreamAndEpoch) {
  const auto producer = random_id<ProducerId>();
  const auto id = random_id<CaseId>();
  const Digest head = first_head(producer, id, StreamId{1}, Epoch{5});
  EXPECT_NE(head, first_head(random_id<ProducerId>(), id, StreamId{1}, Epoch{5}));
  EXPECT_NE(head, first_head(producer, random_id<CaseId>(), StreamId{1}, Epoch{5}));
  EXPECT_NE(head, first_head(producer, id, StreamId{2}, Epoch{5}));
  EXPECT_NE(head, first_head(producer, id, StreamId{1}, Epoch{6}));
  const Digest leaf = seal::sha256("leaf");
  EXPECT_EQ(next_head(head, leaf), seal::sha256({BytesView("\x10"), view(head), view(leaf)}));
}

TEST(Frame, RecoveredCopyIsSealedAsItsDraftWas) {
  Header draft = example();
  Header copy = draft;
  copy.flags |= flag::kRecovered;
  copy.crc = 77;
  EXPECT_EQ(associated_data(copy), associated_data(draft));
  copy.u95_us = 5;
  EXPECT_NE(associated_data(copy), associated_data(draft));
}

TEST(Frame, NonceIsStreamAndFirstNumber) {
  EXPECT_EQ(to_hex(BytesView(reinterpret_cast<const char*>(nonce(example()).data()), 12)),
            "07000000f401000000000000");
}

TEST(Frame, ChecksumIsCrc32cAndCanBeContinued) {
  EXPECT_EQ(crc32c(0, "123456789"), 0xE3069283u);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(crc32c(0, "1234"), "56789"), 0xE3069283u);
  EXPECT_EQ(crc32c(0, Bytes(32, '\0')), 0x8A9136AAu);
}

TEST(Body, ComesBackWhetherItShrinksOrNot) {
  for (const Bytes& message : {Bytes(), Bytes("x"), Bytes(5000, 'a')}) {
    EXPECT_EQ(*unpack_body(pack_body(message)), message);
    EXPECT_EQ(*unpack_body(pack_body(message, false)), message);
  }
  EXPECT_LT(pack_body(Bytes(5000, 'a')).size(), 100u);
  EXPECT_EQ(pack_body(Bytes(5000, 'a'), false).size(), 5001u);
}

TEST(Body, NeverGrowsAboveItsLimit) {
  const Bytes bomb = pack_body(Bytes(32 << 20, '\0'));
  EXPECT_LT(bomb.size(), 64u << 10);
  EXPECT_EQ(unpack_body(bomb).error().code, Code::kCorrupt);
  EXPECT_TRUE(unpack_body(bomb, 64 << 20));
  EXPECT_FALSE(unpack_body(""));
  EXPECT_FALSE(unpack_body("\x02rest"));
  EXPECT_FALSE(unpack_body(bomb.substr(0, bomb.size() / 2), 64 << 20));
}

class BeatMessage : public ::testing::TestWithParam<uint32_t> {};

TEST_P(BeatMessage, DependsOnEveryValueAndOnNoOrder) {
  v1::Beat beat;
  beat.set_form(GetParam());
  beat.set_t_ns(1);
  for (uint32_t id : {0u, 3u}) {
    auto& p = *beat.add_positions();
    p.set_stream_id(id);
    p.set_next_number(id + 10);
    p.set_head(Bytes(32, static_cast<char>(id)));
    p.set_gap_frames(id);
  }
  const auto id = random_id<CaseId>();
  const auto producer = random_id<ProducerId>();
  Header h;
  h.kind = Kind::kBeat;
  h.epoch = Epoch{1};
  const Bytes message = beat_message(id, producer, h, beat);
  v1::Beat swapped = beat;
  swapped.mutable_positions()->SwapElements(0, 1);
  EXPECT_EQ(beat_message(id, producer, h, swapped), message);
  v1::Beat later = beat;
  later.set_t_ns(2);
  EXPECT_NE(beat_message(id, producer, h, later), message);
  v1::Beat more = beat;
  more.mutable_positions(1)->set_next_number(14);
  EXPECT_NE(beat_message(id, producer, h, more), message);
  v1::Beat other = beat;
  other.mutable_positions(1)->mutable_head()->back() = 'x';
  EXPECT_NE(beat_message(id, producer, h, other), message);
  Header elsewhere = h;
  elsewhere.epoch = Epoch{2};
  EXPECT_NE(beat_message(id, producer, elsewhere, beat), message);
  if (GetParam() < 2) return;
  v1::Beat hidden = beat;
  hidden.mutable_positions(1)->set_gap_frames(2);
  EXPECT_NE(beat_message(id, producer, h, hidden), message);
  Header arrived = h;
  arrived.t_capture = MonoTime{5};
  EXPECT_NE(beat_message(id, producer, arrived, beat), message);
  Header sized = h;
  sized.body_size = 200;
  sized.crc = 7;
  EXPECT_EQ(beat_message(id, producer, sized, beat), message) << "known only once it is signed";
}

INSTANTIATE_TEST_SUITE_P(Forms, BeatMessage, ::testing::Values(1u, 2u));

}  // namespace
}  // namespace casebox::frame
