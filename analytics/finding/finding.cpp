#include "analytics/finding/finding.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <set>

#include "proto/seal/seal.h"

namespace casebox::analytics::finding {
namespace {

// Every field with its length in front, so that no two lists of fields give the same bytes.
void put(Bytes& out, BytesView field) {
  append_be(out, static_cast<uint64_t>(field.size()));
  out += field;
}
template <typename T>
void put_number(Bytes& out, T value) {
  append_be(out, value);
}

template <typename Map>
void compare_maps(const char* name, const Map& a, const Map& b, std::vector<std::string>& out) {
  std::set<std::string> keys;
  for (const auto& [key, value] : a) keys.insert(key);
  for (const auto& [key, value] : b) keys.insert(key);
  for (const std::string& key : keys) {
    const auto in_a = a.find(key), in_b = b.find(key);
    const bool same = in_a != a.end() && in_b != b.end() && in_a->second == in_b->second;
    if (!same) out.push_back(std::string(name) + "." + key);
  }
}

}  // namespace

bool placed(const v1::Finding& finding) {
  const auto says = [&](const char* label) {
    const auto it = finding.labels().find(label);
    return it != finding.labels().end() && it->second == kWithheld;
  };
  // Comparisons up to version 4 kept the times of departures that they called withheld.
  return !says(kMoments) && !(finding.kind() == "departure" && says("timing"));
}

v1::Finding make(CaseId case_id, const v1::AnalysisRun& run, const Draft& draft) {
  v1::Finding out;
  *out.mutable_run() = run;
  out.set_kind(draft.kind);
  out.set_t0_ns(draft.t0_ns);
  out.set_t1_ns(draft.t1_ns);
  out.set_certainty(draft.certainty);
  out.set_step(draft.step);
  out.set_text(draft.text);
  out.mutable_values()->insert(draft.values.begin(), draft.values.end());
  out.mutable_labels()->insert(draft.labels.begin(), draft.labels.end());
  const bool foreign = std::ranges::any_of(
      draft.sources, [](const v1::SourceRange& source) { return !source.case_id().empty(); });
  const bool study = foreign || !run.inputs_sha256().empty();
  Bytes id = study ? "casebox.finding/2" : "casebox.finding/1";
  put(id, case_id.view());
  for (const std::string* field :
       {&run.job(), &run.job_version(), &run.config_sha256(), &run.protocol(),
        &run.protocol_sha256(), &run.order_basis(), &draft.kind, &draft.place, &draft.step})
    put(id, *field);
  if (study) put(id, run.inputs_sha256());
  put_number(id, run.seed());
  put_number(id, draft.t0_ns);
  put_number(id, draft.t1_ns);
  put_number(id, static_cast<uint64_t>(draft.sources.size()));
  for (const v1::SourceRange& source : draft.sources) {
    *out.add_sources() = source;
    put_number(id, source.epoch());
    put_number(id, source.stream_id());
    put_number(id, source.first_number());
    put_number(id, source.last_number());
    put(id, source.sha256());
    if (study) put(id, source.case_id());
  }
  out.set_id(Bytes(view(seal::sha256(id))));
  return out;
}

Bytes to_bytes(const v1::Finding& finding) {
  Bytes out;
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  finding.SerializeToCodedStream(&coded);
  coded.Trim();
  return out;
}

std::vector<std::string> differences(const v1::Finding& a, const v1::Finding& b, bool binary) {
  std::vector<std::string> out;
  const auto field = [&](const char* name, const auto& x, const auto& y) {
    if (x != y) out.push_back(name);
  };
  field("id", a.id(), b.id());
  field("kind", a.kind(), b.kind());
  field("t0_s", a.t0_ns(), b.t0_ns());
  field("t1_s", a.t1_ns(), b.t1_ns());
  field("certainty", a.certainty(), b.certainty());
  field("step", a.step(), b.step());
  field("text", a.text(), b.text());
  compare_maps("values", a.values(), b.values(), out);
  compare_maps("labels", a.labels(), b.labels(), out);
  const v1::AnalysisRun &r = a.run(), &s = b.run();
  field("run.job", r.job(), s.job());
  field("run.job_version", r.job_version(), s.job_version());
  if (binary) {
    field("run.binary", r.binary(), s.binary());
    field("run.binary_sha256", r.binary_sha256(), s.binary_sha256());
  }
  field("run.config_sha256", r.config_sha256(), s.config_sha256());
  field("run.protocol", r.protocol(), s.protocol());
  field("run.protocol_sha256", r.protocol_sha256(), s.protocol_sha256());
  field("run.seed", r.seed(), s.seed());
  field("run.order", r.order_basis(), s.order_basis());
  field("run.inputs_sha256", r.inputs_sha256(), s.inputs_sha256());
  field("sources", a.sources_size(), b.sources_size());
  for (int i = 0; i < std::min(a.sources_size(), b.sources_size()); ++i)
    if (a.sources(i).SerializeAsString() != b.sources(i).SerializeAsString())
      out.push_back("sources[" + std::to_string(i) + "]");
  return out;
}

std::vector<Stored> current(const v1::CaseRecord& record,
                            const std::vector<storage::EventAt>& events) {
  std::map<uint64_t, uint32_t> arrival;
  for (const v1::EpochRecord& epoch : record.epochs()) arrival[epoch.epoch()] = epoch.index();
  std::map<std::string, uint32_t> newest;  // job -> epoch of its newest run
  for (const storage::EventAt& at : events) {
    if (!at.event.has_finding()) continue;
    uint32_t& epoch = newest[at.event.finding().run().job()];
    epoch = std::max(epoch, arrival[at.source.epoch.value]);
  }
  std::vector<Stored> out;
  std::set<std::pair<std::string, Bytes>> seen;
  for (const storage::EventAt& at : events) {
    if (!at.event.has_finding()) continue;
    const v1::Finding& finding = at.event.finding();
    if (arrival[at.source.epoch.value] != newest[finding.run().job()]) continue;
    if (seen.insert({finding.run().job(), finding.id()}).second) out.push_back({finding, at});
  }
  std::stable_sort(out.begin(), out.end(), [&](const Stored& a, const Stored& b) {
    return std::tuple(arrival[a.at.source.epoch.value], a.at.source.stream, a.at.number) <
           std::tuple(arrival[b.at.source.epoch.value], b.at.source.stream, b.at.number);
  });
  return out;
}

Result<v1::SourceRange> Sources::range(Epoch epoch, StreamId stream, ItemNumber first,
                                       ItemNumber last) {
  const std::tuple key{epoch.value, stream.value, first.value, last.value};
  auto it = known_.find(key);
  if (it == known_.end()) {
    CASEBOX_TRY(auto made, reader_.source_range(epoch, stream, first, last));
    it = known_.emplace(key, std::move(made)).first;
  }
  return it->second;
}

Result<std::vector<v1::SourceRange>> Sources::ranges(std::vector<storage::SourceRef> frames,
                                                     size_t limit) {
  struct Piece {
    Epoch epoch;
    StreamId stream;
    uint64_t first, last;
  };
  std::vector<Piece> pieces;
  for (const storage::SourceRef& ref : frames)
    pieces.push_back({ref.epoch, ref.stream, ref.first.value,
                      ref.first.value + std::max<uint32_t>(ref.count, 1) - 1});
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return std::tuple(a.epoch, a.stream, a.first, a.last) <
           std::tuple(b.epoch, b.stream, b.first, b.last);
  });
  std::vector<Piece> joined;
  const auto join = [&](uint64_t reach) {
    joined.clear();
    for (const Piece& piece : pieces) {
      Piece* last = joined.empty() ? nullptr : &joined.back();
      const bool same = last && last->epoch == piece.epoch && last->stream == piece.stream;
      if (same && (reach == UINT64_MAX || piece.first <= last->last + 1 + reach)) {
        last->last = std::max(last->last, piece.last);
      } else {
        joined.push_back(piece);
      }
    }
  };
  join(0);
  if (joined.size() > limit) join(64);
  if (joined.size() > limit) join(UINT64_MAX);
  std::vector<v1::SourceRange> out;
  for (const Piece& piece : joined) {
    CASEBOX_TRY(auto made,
                range(piece.epoch, piece.stream, ItemNumber{piece.first}, ItemNumber{piece.last}));
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace casebox::analytics::finding
