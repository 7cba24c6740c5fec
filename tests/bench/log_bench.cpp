// Frames appended to a log per second, with the chain heads that a log keeps and a group sync every
// 100 ms, and frames read back. TMPDIR decides on which disk.

#include <benchmark/benchmark.h>

#include <filesystem>

#include "proto/log/log.h"
#include "tests/support/frames.h"

namespace {

using namespace casebox;

// Bytes written before a folder is emptied: what a run leaves on the disk.
constexpr size_t kAtMost = size_t{2} << 30;

Bytes frame_of(const testing::FrameMaker& maker, size_t size) {
  frame::Header header;
  header.stream = StreamId{1};
  header.epoch = maker.epoch;
  return *frame::encode(header, Bytes(size, 'x'));
}

// Argument 0: body bytes. 1: the caller hands the leaf hash over, as a producer does.
void append(benchmark::State& state) {
  testing::FrameMaker maker;
  SystemClock clock;
  const Bytes bytes = frame_of(maker, static_cast<size_t>(state.range(0)));
  const Digest leaf = frame::leaf_hash(*frame::parse(bytes));
  auto dir = std::make_unique<testing::TempDir>();
  std::unique_ptr<log::Writer> writer;
  size_t written = kAtMost;
  for (auto _ : state) {
    if (written >= kAtMost) {
      state.PauseTiming();
      writer.reset();
      dir = std::make_unique<testing::TempDir>();
      writer = *log::Writer::open(dir->path(), clock);
      if (!writer->begin_case(maker.case_id, maker.producer, maker.role))
        state.SkipWithError("no case");
      written = 0;
      state.ResumeTiming();
    }
    auto at = writer->append(bytes, state.range(1) != 0 ? &leaf : nullptr);
    if (!at || !writer->maybe_sync()) state.SkipWithError("not appended");
    written += bytes.size();
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(append)->ArgsProduct({{128, 1024, 10240, 65536}, {0, 1}})->ArgNames({"body", "leaf"});

void read(benchmark::State& state) {
  testing::FrameMaker maker;
  testing::TempDir dir;
  SystemClock clock;
  const Bytes bytes = frame_of(maker, static_cast<size_t>(state.range(0)));
  const size_t frames = (size_t{256} << 20) / bytes.size();
  {
    auto writer = *log::Writer::open(dir.path(), clock, {.sync = false});
    bool good = writer->begin_case(maker.case_id, maker.producer, maker.role).has_value();
    for (size_t i = 0; i < frames; ++i) good = good && writer->append(bytes).has_value();
    if (!good || !writer->end_case()) state.SkipWithError("not written");
  }
  for (auto _ : state) {
    auto reader = *log::Reader::open(dir.path());
    size_t seen = 0;
    for (auto entry = reader->next(); entry && *entry; entry = reader->next()) ++seen;
    if (seen != frames) state.SkipWithError("frames missing");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(frames));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(frames * bytes.size()));
}
BENCHMARK(read)->Arg(128)->Arg(1024)->Arg(10240)->ArgName("body")->Unit(benchmark::kMillisecond);

}  // namespace
