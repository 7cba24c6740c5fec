// Items into a log by one thread: serialised, sealed (AES-256-GCM), hashed, chained, beaten once a
// second and written with fdatasync each 100 ms; and the same without sealing. Items are random
// bytes, which no compression makes smaller, in frames of 64 KiB.

#include <fmt/format.h>

#include <random>

#include "casebox/v1/media.pb.h"
#include "proto/keyring/keystore.h"
#include "proto/producer/producer.h"
#include "tools/bench/bench.h"

namespace casebox::tools::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFrame = 64 << 10;
constexpr uint64_t kMaxBytes = 2ull << 30;  // of disk for one measurement

struct Rate {
  double items_per_s = 0;
  double mb_per_s = 0;  // of item bytes
};

/// Bodies of one frame's items, made beforehand: making them is not what is measured.
std::vector<v1::MediaFragment> bodies(size_t bytes, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<v1::MediaFragment> out(8);
  for (v1::MediaFragment& body : out) {
    std::string& text = *body.mutable_cmaf();
    text.resize(bytes);
    for (char& c : text) c = static_cast<char>(random());
  }
  return out;
}

Result<Rate> measure(const Context& context, size_t item_bytes, bool seal) {
  const fs::path dir = context.dir / "log";
  std::error_code ec;
  fs::remove_all(dir, ec);
  SystemClock clock;
  CASEBOX_TRY(auto keystore, keyring::Keystore::open(dir / "keys", clock, true, 1));
  CASEBOX_TRY(const auto key, keystore->take_case_key());
  CASEBOX_TRY(auto signing_key, keystore->signing_key("recorder"));
  CASEBOX_TRY(auto writer, log::Writer::open(dir / "log", clock));
  producer::Options how;
  how.case_id = random_id<CaseId>();
  how.producer_id = random_id<ProducerId>();
  how.case_public_key = key.public_key;
  how.seal = seal;
  CASEBOX_TRY(auto producer, producer::Producer::open(how, std::move(signing_key), *writer, clock));
  v1::Stream stream;
  stream.set_name("bench.items");
  stream.set_kind(v1::STREAM_KIND_VIDEO);
  stream.mutable_tick_rate_hz()->set_den(1);
  CASEBOX_TRY(const StreamId id, producer->add_stream(stream));

  producer::Data data;
  data.stream = id;
  data.count = static_cast<uint32_t>(kFrame / item_bytes);
  const size_t frame_bytes = data.count * item_bytes;
  const auto frames = bodies(frame_bytes, context.seed);
  uint64_t items = 0, bytes = 0;
  double next_beat = 1;
  const Stopwatch watch;
  while (watch.seconds() < context.seconds && bytes < kMaxBytes) {
    data.t = CaseTime{} + from_seconds(watch.seconds());
    data.t_capture = clock.mono();
    CASEBOX_CHECK(producer->append(data, frames[(bytes / frame_bytes) % frames.size()]));
    items += data.count;
    bytes += frame_bytes;
    CASEBOX_CHECK(writer->maybe_sync());
    if (watch.seconds() < next_beat) continue;
    CASEBOX_CHECK(producer->beat(CaseTime{} + from_seconds(watch.seconds())));
    next_beat += 1;
  }
  CASEBOX_CHECK(producer->close(CaseTime{} + from_seconds(watch.seconds())));
  CASEBOX_CHECK(writer->sync());
  const double took = watch.seconds();
  producer.reset();
  writer.reset();
  fs::remove_all(dir, ec);
  return Rate{static_cast<double>(items) / took, static_cast<double>(bytes) / took / 1e6};
}

}  // namespace

Result<void> run_log(const Context& context, std::vector<Figure>& figures) {
  struct Size {
    size_t bytes;
    const char* id;
    const char* name;
  };
  for (const Size& size : {Size{100, "100b", "100 B"}, Size{1 << 10, "1kib", "1 KiB"},
                           Size{10 << 10, "10kib", "10 KiB"}}) {
    // One after the other, so that a busy disk is busy for both.
    CASEBOX_TRY(const Rate sealed, measure(context, size.bytes, true));
    CASEBOX_TRY(const Rate open, measure(context, size.bytes, false));
    const auto add = [&](const char* mode, const char* what, const Rate& rate, const Rate* peer) {
      for (const bool mb : {true, false}) {
        Figure figure;
        figure.id = fmt::format("log.{}.{}.{}_per_s", mode, size.id, mb ? "mb" : "items");
        figure.name = fmt::format("{} items into a log, {}", size.name, what);
        figure.value = mb ? rate.mb_per_s : rate.items_per_s;
        figure.unit = mb ? "MB/s" : "items/s";
        if (peer) {
          figure.peer = "the same without sealing";
          figure.peer_value = mb ? peer->mb_per_s : peer->items_per_s;
        }
        figures.push_back(figure);
      }
    };
    add("sealed", "sealed", sealed, &open);
    add("unsealed", "not sealed", open, nullptr);
  }
  return ok();
}

}  // namespace casebox::tools::bench
