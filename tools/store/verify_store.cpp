#include "tools/store/verify_store.h"

#include <algorithm>
#include <set>

namespace casebox::tools {
namespace {

int rank(verify::Verdict verdict) {
  switch (verdict) {
    case verify::Verdict::kComplete: return 0;
    case verify::Verdict::kCompleteWithDeclaredGaps: return 1;
    case verify::Verdict::kUnclosed: return 2;
    case verify::Verdict::kUntrustedKey: return 3;
    case verify::Verdict::kTampered: return 4;
  }
  return 4;
}

std::string place(Epoch epoch, StreamId stream, const frame::Header& header) {
  return "epoch " + to_string(epoch) + " stream " + std::to_string(stream.value) + " number " +
         std::to_string(header.first.value);
}

/// Feeds every frame of one stream to `visit`; what cannot be read or parsed is a problem.
void feed(const storage::Shard& shard, CaseId id, Epoch epoch, StreamId stream,
          verify::CaseVerifier& verifier,
          const std::function<void(const frame::View&, const std::string&)>& visit) {
  const auto read =
      shard.for_each_frame(id, epoch, stream, [&](const storage::StoredFrame& stored) {
        const auto parsed = frame::parse(stored.bytes);
        if (!parsed) {
          verifier.add_problem(
              {"crc", "epoch " + to_string(epoch) + " stream " + std::to_string(stream.value),
               parsed.error().message},
              true);
          return ok();
        }
        visit(*parsed, place(epoch, stream, parsed->header));
        return ok();
      });
  if (!read)
    verifier.add_problem(
        {"store", "epoch " + to_string(epoch) + " stream " + std::to_string(stream.value),
         read.error().message},
        true);
}

}  // namespace

verify::Verdict worse(verify::Verdict a, verify::Verdict b) { return rank(a) >= rank(b) ? a : b; }

Result<verify::Report> verify_stored_case(const storage::Store& store, const v1::CaseRecord& record,
                                          const verify::Options& options) {
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
  const storage::Shard* shard = store.shard_of(id);
  if (shard == nullptr)
    return Error{Code::kCorrupt, to_string(id) + ": listed but in no shard; restore the store"};
  verify::CaseVerifier verifier(id, options);
  std::vector<v1::EpochRecord> epochs(record.epochs().begin(), record.epochs().end());
  std::sort(epochs.begin(), epochs.end(),
            [](const auto& a, const auto& b) { return a.index() < b.index(); });
  for (const v1::EpochRecord& epoch : epochs) {
    auto producer = id_from_bytes<ProducerId>(epoch.producer_id());
    const ProducerId who = producer ? *producer : ProducerId{};
    feed(*shard, id, Epoch{epoch.epoch()}, kControlStream, verifier,
         [&](const frame::View& view, const std::string& where) {
           verifier.add_control(view, who, where);
         });
  }
  std::set<std::pair<uint64_t, uint32_t>> streams;
  for (const v1::StreamRecord& row : record.streams())
    streams.insert({row.epoch(), row.stream().stream_id()});
  for (const v1::EpochRecord& epoch : epochs)  // streams that only the close frame names
    for (const v1::StreamPosition& position : epoch.close().positions())
      streams.insert({epoch.epoch(), position.stream_id()});
  for (const auto& [epoch, stream] : streams) {
    if (stream == 0) continue;
    feed(*shard, id, Epoch{epoch}, StreamId{stream}, verifier,
         [&](const frame::View& view, const std::string& where) { verifier.add(view, where); });
  }
  return verifier.finish();
}

Result<std::vector<verify::Report>> verify_store(const storage::Store& store,
                                                 const verify::Options& options,
                                                 const std::function<void(size_t, size_t)>& each) {
  CASEBOX_TRY(const auto records, store.cases());
  std::vector<verify::Report> reports;
  for (const v1::CaseRecord& record : records) {
    CASEBOX_TRY(verify::Report report, verify_stored_case(store, record, options));
    reports.push_back(std::move(report));
    if (each) each(reports.size(), records.size());
  }
  return reports;
}

}  // namespace casebox::tools
