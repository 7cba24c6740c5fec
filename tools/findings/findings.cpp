#include "tools/findings/findings.h"

#include <algorithm>
#include <map>
#include <set>

#include "proto/base/file.h"
#include "proto/seal/seal.h"
#include "tools/cli/json.h"

namespace casebox::tools {

namespace finding = analytics::finding;

Result<analytics::jobs::Program> this_program() {
  static const Result<analytics::jobs::Program> kProgram =
      []() -> Result<analytics::jobs::Program> {
    CASEBOX_TRY(const Bytes bytes, read_file("/proc/self/exe", size_t{2} << 30));
    return analytics::jobs::Program{program_version(), Bytes(view(seal::sha256(bytes)))};
  }();
  return kProgram;
}

Result<StoredFindings> read_findings(const storage::CaseReader& reader) {
  const v1::CaseRecord& record = reader.record();
  const bool study = !storage::is_operation(record);
  // A study's findings are what its own recorder recorded; of an operation they are derived.
  CASEBOX_TRY(const auto events, reader.events(v1::STREAM_KIND_FINDING, {}, !study));
  // Nobody says that a run which a crash cut off found nothing more.
  std::set<uint64_t> cut_off;
  for (const v1::EpochRecord& epoch : record.epochs())
    if (study && epoch.close().reason() != v1::CloseFrame::REASON_CASE_ENDED)
      cut_off.insert(epoch.epoch());
  std::vector<storage::EventAt> whole;
  std::vector<v1::Finding> all;
  for (const storage::EventAt& at : events) {
    if (!at.event.has_finding()) continue;
    all.push_back(at.event.finding());
    if (!cut_off.contains(at.source.epoch.value)) whole.push_back(at);
  }
  StoredFindings out;
  for (finding::Stored& stored : finding::current(record, whole))
    out.in_force.push_back(std::move(stored.finding));
  std::set<Bytes> newest;
  for (const v1::Finding& one : out.in_force) newest.insert(one.id());
  for (v1::Finding& one : all)
    if (newest.insert(one.id()).second) out.replaced.push_back(std::move(one));
  return out;
}

bool same_findings(const std::vector<v1::Finding>& a, const std::vector<v1::Finding>& b) {
  std::map<Bytes, const v1::Finding*> by_id;
  for (const v1::Finding& one : a) by_id[one.id()] = &one;
  return by_id.size() == b.size() && std::ranges::all_of(b, [&](const v1::Finding& one) {
           const auto it = by_id.find(one.id());
           return it != by_id.end() && finding::differences(*it->second, one, false).empty();
         });
}

v1::Stream analysis_stream(const std::string& name, v1::StreamKind kind) {
  v1::Stream stream;
  stream.set_name(name);
  stream.set_kind(kind);
  stream.set_stream_class(v1::STREAM_CLASS_A);
  stream.mutable_tick_rate_hz()->set_den(1);
  stream.set_device("analysis");
  stream.set_source_time_unit("ns");
  return stream;
}

Result<void> append_findings(producer::Producer& producer, Clock& clock,
                             const std::vector<v1::Finding>& findings) {
  CASEBOX_TRY(const StreamId id,
              producer.add_stream(analysis_stream(finding::kStream, v1::STREAM_KIND_FINDING)));
  std::vector<const v1::Finding*> pending;
  size_t bytes = 0;
  const auto flush = [&]() -> Result<void> {
    if (pending.empty()) return ok();
    producer::Data data;
    data.stream = id;
    data.t = CaseTime{(*std::ranges::min_element(pending, {}, &v1::Finding::t0_ns))->t0_ns()};
    data.t_capture = clock.mono();
    data.count = static_cast<uint32_t>(pending.size());
    v1::EventBatch batch;
    for (const v1::Finding* one : pending) {
      v1::Event& event = *batch.add_events();
      event.set_dt_ns(one->t0_ns() - data.t.ns);
      *event.mutable_finding() = *one;
    }
    pending.clear();
    bytes = 0;
    CASEBOX_CHECK(producer.append(data, batch));
    return ok();
  };
  for (const v1::Finding& one : findings) {
    const size_t size = one.ByteSizeLong();
    if (bytes + size > frame::kTargetBody / 2) CASEBOX_CHECK(flush());
    bytes += size;
    pending.push_back(&one);
  }
  return flush();
}

}  // namespace casebox::tools
