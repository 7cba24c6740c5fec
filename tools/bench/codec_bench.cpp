// Bytes a sample takes: after the codec, in a log, and in the store with its indexes; for frames as
// the recorder cuts them and as imports do. With a store named, the same over what it holds.

#include <fmt/format.h>

#include "proto/codec/codec.h"
#include "storage/reader/case_reader.h"
#include "tools/bench/bench.h"
#include "tools/bench/recording.h"
#include "tools/store/store_access.h"

namespace casebox::tools::bench {
namespace {

namespace fs = std::filesystem;

Figure bytes_per_sample(const std::string& id, const std::string& name, uint64_t bytes,
                        uint64_t samples, const std::string& peer = "", double peer_value = 0) {
  Figure figure;
  figure.id = "codec." + id + ".bytes_per_sample";
  figure.name = name;
  figure.value = samples == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(samples);
  figure.unit = "bytes/sample";
  figure.higher_is_better = false;
  figure.peer = peer;
  figure.peer_value = peer_value;
  return figure;
}

/// Logs are preallocated; the frames in them are what counts.
Result<uint64_t> log_bytes(const fs::path& log) {
  CASEBOX_TRY(auto reader, log::Reader::open(log));
  uint64_t bytes = 0;
  while (true) {
    CASEBOX_TRY(const auto entry, reader->next());
    if (!entry) return bytes;
    bytes += entry->next.byte - entry->offset.byte;
  }
}

Result<uint64_t> store_bytes(const Recording& recording, const fs::path& dir) {
  CASEBOX_CHECK(fill_store(recording, dir));
  storage::Options how;
  how.read_only = true;
  CASEBOX_TRY(auto store, storage::Store::open(dir, how));
  CASEBOX_TRY(const auto records, store->cases());
  uint64_t bytes = 0;
  for (const v1::CaseRecord& record : records)
    for (const v1::StreamRecord& stream : record.streams()) bytes += stream.bytes();
  return bytes;
}

Result<void> synthetic(const Context& context, const char* id, const char* name, Duration frame,
                       std::vector<Figure>& figures) {
  const fs::path dir = context.dir / "codec";
  std::error_code ec;
  fs::remove_all(dir, ec);
  RecordingOptions how;
  how.seconds = context.case_seconds;
  how.seed = context.seed;
  how.frame = frame;
  CASEBOX_TRY(const Recording recording, make_recording(dir, how));
  CASEBOX_TRY(const uint64_t in_log, log_bytes(recording.log));
  CASEBOX_TRY(const uint64_t in_store, store_bytes(recording, dir / "store"));
  const std::string sim = std::string("simulated waves, ") + name;
  const auto add = [&](const char* what, const char* text, uint64_t bytes) {
    figures.push_back(bytes_per_sample(fmt::format("sim.{}.{}", id, what),
                                       fmt::format("{}: {}", sim, text), bytes, recording.samples,
                                       "16-bit integers", 2));
  };
  add("coded", "after the codec", recording.coded_bytes);
  add("log", "in the log, with headers, seals, beats and keys", in_log);
  add("stored", "frames of the case in the store", in_store);
  fs::remove_all(dir, ec);
  return ok();
}

/// Codec and frames over every integer channel of a store.
Result<void> of_store(const Context& context, std::vector<Figure>& figures) {
  StoreOptions how;
  how.store = context.store;
  how.keys = context.keys;
  how.subject = "casebox bench";
  CASEBOX_TRY(auto access, StoreAccess::open(how));
  CASEBOX_TRY(const auto records, access->store().operations());
  uint64_t samples = 0, coded = 0, stored = 0;
  for (const v1::CaseRecord& record : records) {
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
    CASEBOX_TRY(auto reader, storage::CaseReader::open(access->store(), id, access->keyring(),
                                                       keyring::Purpose::kAnalysis));
    for (const v1::Stream& stream : reader->streams()) {
      uint64_t here = 0;
      for (const v1::Channel& channel : stream.channels()) {
        if (channel.type() != v1::SAMPLE_TYPE_INT) continue;
        CASEBOX_CHECK(reader->samples(stream.name(), channel.name(), {},
                                      [&](const storage::SampleRun& run) -> Result<void> {
                                        here += run.codes.size();
                                        coded += codec::encode(run.codes, run.missing).size();
                                        return ok();
                                      }));
      }
      samples += here;
      if (here == 0) continue;
      for (const v1::StreamRecord& kept : reader->record().streams())
        if (kept.stream().name() == stream.name()) stored += kept.bytes();
    }
  }
  if (samples == 0)
    return Error{
        Code::kInvalidArgument,
        context.store.string() + ": no integer samples in it; import or record some first"};
  figures.push_back(bytes_per_sample("store.coded", "the named store: after the codec", coded,
                                     samples, "16-bit integers", 2));
  figures.push_back(bytes_per_sample("store.stored", "the named store: frames of sample streams",
                                     stored, samples, "16-bit integers", 2));
  return ok();
}

}  // namespace

Result<void> run_codec(const Context& context, std::vector<Figure>& figures) {
  CASEBOX_CHECK(synthetic(context, "recorded", "frames of 120 ms", milliseconds(120), figures));
  CASEBOX_CHECK(synthetic(context, "imported", "frames of 4 s", seconds(4), figures));
  if (!context.store.empty()) CASEBOX_CHECK(of_store(context, figures));
  return ok();
}

}  // namespace casebox::tools::bench
