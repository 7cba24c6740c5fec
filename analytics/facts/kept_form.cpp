#include "analytics/facts/kept_form.h"

#include <concepts>
#include <cstring>
#include <type_traits>

namespace casebox::analytics::facts {
namespace {

// One list of fields for each type serves both directions, so that they cannot drift apart: an
// archive is a function object that is called with every field in turn.

class Writer {
 public:
  Bytes take() { return std::move(out_); }

  template <typename... T>
  void operator()(T&... field) {
    (put(field), ...);
  }

 private:
  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void put(T& value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));  // the reader is this machine
    out_.append(bytes, sizeof(T));
  }
  void put(std::string& value) {
    count(value.size());
    out_ += value;
  }
  template <std::derived_from<google::protobuf::MessageLite> T>
  void put(T& message) {
    std::string bytes = message.SerializeAsString();
    put(bytes);
  }
  template <typename T>
  void put(std::optional<T>& value) {
    bool any = value.has_value();
    put(any);
    if (any) put(*value);
  }
  template <typename T>
  void put(std::vector<T>& values) {
    count(values.size());
    for (T& one : values) put(one);
  }
  template <typename T>
  void put(std::set<T>& values) {
    count(values.size());
    for (T one : values) put(one);
  }
  template <typename T>
  void put(T& value) {
    fields(*this, value);
  }
  void count(size_t n) {
    uint64_t value = n;
    put(value);
  }

  Bytes out_;
};

class Reader {
 public:
  explicit Reader(BytesView in) : in_(in) {}
  bool whole() const { return ok_ && in_.empty(); }

  template <typename... T>
  void operator()(T&... field) {
    (get(field), ...);
  }

 private:
  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void get(T& value) {
    if (!take(sizeof(T))) return;
    if constexpr (std::is_same_v<T, bool>) {
      value = in_[0] != 0;
    } else {
      std::memcpy(&value, in_.data(), sizeof(T));
    }
    in_.remove_prefix(sizeof(T));
  }
  void get(std::string& value) {
    const size_t size = count();
    if (!take(size)) return;
    value.assign(in_.substr(0, size));
    in_.remove_prefix(size);
  }
  template <std::derived_from<google::protobuf::MessageLite> T>
  void get(T& message) {
    const size_t size = count();
    if (!take(size)) return;
    ok_ = message.ParseFromArray(in_.data(), static_cast<int>(size));
    in_.remove_prefix(size);
  }
  template <typename T>
  void get(std::optional<T>& value) {
    bool any = false;
    get(any);
    value.reset();
    if (any) get(value.emplace());
  }
  template <typename T>
  void get(std::vector<T>& values) {
    values.clear();
    for (size_t n = count(); n > 0 && ok_; --n) get(values.emplace_back());
  }
  template <typename T>
  void get(std::set<T>& values) {
    values.clear();
    for (size_t n = count(); n > 0 && ok_; --n) {
      T one{};
      get(one);
      values.insert(std::move(one));
    }
  }
  template <typename T>
  void get(T& value) {
    fields(*this, value);
  }

  /// A count of what follows, each of at least one byte.
  size_t count() {
    uint64_t n = 0;
    get(n);
    ok_ = ok_ && n <= in_.size();
    return ok_ ? n : 0;
  }
  bool take(size_t size) { return ok_ = ok_ && size <= in_.size(); }

  BytesView in_;
  bool ok_ = true;
};

void fields(auto& archive, Bound& x) { archive(x.low_s, x.high_s); }
void fields(auto& archive, PhaseFact& x) {
  archive(x.label, x.level, x.origin, x.by, x.t0_s, x.t1_s, x.start, x.end, x.open, x.placed,
          x.finding_id, x.sources);
}
void fields(auto& archive, DepartureFact& x) {
  archive(x.finding_id, x.deviation, x.step, x.phase, x.certainty, x.text, x.t0_s, x.t1_s, x.placed,
          x.sources, x.value, x.norm, x.severity, x.margin, x.excess_s);
}
void fields(auto& archive, ClockFact& x) {
  archive(x.clock_id, x.streams, x.broken, x.sets, x.u95_s, x.t_s, x.offset_s, x.rate_ppm);
}
void fields(auto& archive, GapFact& x) {
  archive(x.stream, x.reason, x.origin, x.t0_s, x.t1_s, x.missing, x.source);
}
void fields(auto& archive, ForecastFact& x) {
  archive(x.finding_id, x.variable, x.unit, x.model, x.horizon_s, x.forecasts, x.scored, x.mae,
          x.persistence_mae, x.bias, x.crps, x.coverage90, x.withheld, x.sources);
}
void fields(auto& archive, TwinFact& x) {
  archive(x.known, x.reason, x.forecasts, x.late, x.coverage90, x.scores);
}
void fields(auto& archive, SpanValues& x) {
  archive(x.values, x.missing, x.min, x.max, x.mean, x.sources);
}
void fields(auto& archive, VitalFact& x) {
  archive(x.stream, x.channel, x.unit, x.phase, x.placed, x.whole, x.t0_s, x.t1_s, x.values);
}
void fields(auto& archive, NormName& x) { archive(x.id, x.sha256); }
void fields(auto& archive, conformance::Values& x) { archive(x.ids, x.weights); }
void fields(auto& archive, conformance::Tally& x) {
  archive(x.judged, x.listed, x.scored, x.without_value, x.counts);
}
void fields(auto& archive, CaseWeights& x) { archive(x.values, x.tally, x.finding); }
void fields(auto& archive, Compared& x) {
  archive(x.outcome, x.reason, x.norm, x.judged, x.weights);
}
void fields(auto& archive, Moment& x) {
  archive(x.kind, x.code, x.label, x.priority, x.value, x.on, x.number, x.limit, x.unit, x.role,
          x.stream, x.t_ns, x.length_ns, x.u95_ns, x.placed, x.source);
}
void fields(auto& archive, Moments& x) { archive(x.all, x.watched, x.twin); }
void fields(auto& archive, Lapse& x) { archive(x.t0_ns, x.t1_ns, x.why); }
void fields(auto& archive, Watch& x) { archive(x.stream, x.kind, x.people, x.items, x.lapses); }
void fields(auto& archive, Coverage& x) { archive(x.streams, x.holds_beginning, x.holds_end); }

/// Of the verdict nothing: it is the store's to give.
void part_fields(auto& archive, KeptPart part, CaseFacts& x) {
  switch (part) {
    case KeptPart::kSummary:
      archive(x.procedure, x.room, x.state, x.start_utc_ns, x.first_t_s, x.end_s, x.duration_s,
              x.gap_frames, x.phases_known, x.departures_known, x.phase_source, x.phases,
              x.withheld, x.departures, x.comparison, x.comparison_frames, x.clocks,
              x.consent_stated, x.consent, x.twin, x.gaps, x.vital_names);
      return;
    case KeptPart::kMoments: archive(x.moments, x.coverage); return;
    case KeptPart::kVitals: archive(x.vitals); return;
  }
}

bool asked_for(const VitalFact& vital, const Needs& needs) {
  if (needs.all_vitals) return true;
  if (vital.phase != SIZE_MAX && !needs.phases) return false;
  return needs.vitals.contains(vital.channel) ||
         needs.vitals.contains(vital.stream + "/" + vital.channel);
}

}  // namespace

Needs every_need() {
  Needs needs;
  needs.phases = needs.departures = needs.moments = needs.clocks = needs.consent = needs.twin =
      needs.gaps = needs.vital_names = needs.all_vitals = needs.verdict = true;
  return needs;
}

bool needed(KeptPart part, const Needs& needs) {
  switch (part) {
    case KeptPart::kSummary: return true;
    case KeptPart::kMoments: return needs.coverage();
    case KeptPart::kVitals: return needs.all_vitals || !needs.vitals.empty();
  }
  return true;
}

Bytes to_kept(const CaseFacts& facts, KeptPart part) {
  Writer writer;
  part_fields(writer, part, const_cast<CaseFacts&>(facts));  // a writer changes nothing
  return writer.take();
}

Result<void> from_kept(BytesView bytes, KeptPart part, CaseFacts& facts) {
  Reader reader(bytes);
  part_fields(reader, part, facts);
  if (!reader.whole()) return Error{Code::kCorrupt, "kept facts that are none of this program's"};
  return ok();
}

void restrict_to(const Needs& needs, CaseFacts& facts) {
  const CaseFacts none;
  if (!needs.phases && !needs.all_vitals) {
    facts.phases_known = none.phases_known;
    facts.phase_source.clear();
    facts.phases.clear();
    facts.withheld.clear();
  }
  if (!needs.departures) {
    facts.departures_known = none.departures_known;
    facts.departures.clear();
    facts.comparison = none.comparison;
    facts.comparison_frames.clear();
  }
  if (!needs.moments) facts.moments = none.moments;
  if (!needs.coverage()) facts.coverage = none.coverage;
  if (!needs.clocks) facts.clocks.clear();
  if (!needs.gaps) facts.gaps.clear();
  if (!needs.twin) facts.twin = none.twin;
  if (!needs.consent) {
    facts.consent_stated = none.consent_stated;
    facts.consent.clear();
  }
  std::erase_if(facts.vitals, [&](const VitalFact& one) { return !asked_for(one, needs); });
}

}  // namespace casebox::analytics::facts
