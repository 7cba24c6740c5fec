#include "recorder/sources/edf_source.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "recorder/sources/internal/edf_file.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/file_text.h"

namespace casebox::recorder {
namespace {

using internal::EdfFile;
using internal::EdfSignal;
using internal::Rate;

}  // namespace

/// Signals of one rate.
struct EdfGroup {
  Rate rate;
  uint64_t samples = 0;  // of each signal in a record
  std::vector<const EdfSignal*> signals;
  size_t stream = 0;
  int64_t end_ns = 0;     // where its last sample ends, on the file's clock
  int64_t origin_ns = 0;  // of the records that follow without a hole
  uint64_t ticks = 0;     // since then
};

struct EdfSource::Impl {
  explicit Impl(EdfFile opened) : file(std::move(opened)) {}

  EdfFile file;
  std::string name;
  internal::FileClock clock;
  text::Reader texts;
  std::vector<EdfGroup> groups;
  std::optional<size_t> events;
  size_t annotation = 0;
  uint64_t record = 0;
  uint64_t backward = 0;  // records that tell a time before the end of the one before
  bool finished = false;
  Bytes bytes;

  int64_t at(uint64_t r) const { return saturating::add(file.start_ns(), file.onset_ns(r)); }
  void put_record(std::vector<Item>& out);
  void put_events(int64_t until_ns, std::vector<Item>& out);
  void finish(std::vector<Skipped>& skipped, std::vector<Item>& out);
};

EdfSource::EdfSource() = default;
EdfSource::~EdfSource() = default;

Result<std::unique_ptr<Source>> EdfSource::open(Context context) {
  CASEBOX_TRY(auto input, internal::ByteInput::open(context.config.url()));
  CASEBOX_TRY(auto file, EdfFile::open(std::move(input), context.config.url()));
  std::unique_ptr<EdfSource> source(new EdfSource);
  source->impl_ = std::make_unique<Impl>(std::move(file));
  CASEBOX_CHECK(source->begin(context));
  return std::unique_ptr<Source>(std::move(source));
}

Result<std::unique_ptr<Source>> EdfSource::over(Context context, Bytes bytes) {
  CASEBOX_TRY(auto file,
              EdfFile::open(internal::ByteInput::over(std::move(bytes)), context.config.url()));
  std::unique_ptr<EdfSource> source(new EdfSource);
  source->impl_ = std::make_unique<Impl>(std::move(file));
  CASEBOX_CHECK(source->begin(context));
  return std::unique_ptr<Source>(std::move(source));
}

Result<void> EdfSource::begin(const Context& context) {
  const v1::SourceConfig& config = context.config;
  Impl& impl = *impl_;
  const EdfFile& file = impl.file;
  impl.name = internal::base_name(config.url());
  CASEBOX_CHECK(text::check_encoding(config.encoding()));
  impl.texts = text::Reader(config.encoding());
  for (const EdfSignal& signal : file.signals())
    impl.texts.see(signal.label), impl.texts.see(signal.unit);
  for (const internal::EdfAnnotation& one : file.annotations()) impl.texts.see(one.text);
  CASEBOX_TRY(impl.clock.start_ns, internal::start_of(config));
  impl.clock.origin_ns = file.records() > 0 ? impl.at(0) : file.start_ns();
  impl.clock.quantum_ns = 1000;

  const std::string device = config.device().empty() ? "recorder" : config.device();
  std::map<Rate, size_t> known;
  bool untold = false;
  for (const EdfSignal& signal : file.signals()) {
    const Rate rate = file.rate_of(signal);
    if (signal.annotations || !rate.even()) continue;
    const auto [it, fresh] = known.try_emplace(rate, impl.groups.size());
    if (fresh) impl.groups.push_back({rate, signal.samples, {}, 0, 0, 0, 0});
    impl.groups[it->second].signals.push_back(&signal);
  }
  std::vector<Rate> rates;
  for (const EdfGroup& group : impl.groups) rates.push_back(group.rate);
  const std::vector<std::string> names = internal::rate_names(rates);
  for (EdfGroup& group : impl.groups) {
    group.stream = streams_.size();
    group.end_ns = group.origin_ns = impl.clock.origin_ns;
    v1::Stream& stream = streams_.emplace_back(
        internal::sample_stream(config.name() + "." + names[group.stream], group.rate, device));
    for (const EdfSignal* signal : group.signals) {
      const text::Text label = impl.texts.read(signal->label), unit = impl.texts.read(signal->unit);
      untold = untold || !label.certain || !unit.certain;
      v1::Channel& channel = internal::add_channel(
          stream,
          internal::name_part(label, "signal" + std::to_string(signal - file.signals().data() + 1)),
          unit.utf8, v1::SAMPLE_TYPE_INT);
      if (!(signal->gain == 1 && signal->offset == 0)) {
        channel.set_gain(signal->gain);
        channel.set_offset(signal->offset);
      }
    }
  }
  if (!file.annotations().empty()) {
    impl.events = streams_.size();
    streams_.push_back(internal::event_stream(config.name() + ".events", device));
  }
  if (streams_.empty())
    return Error{Code::kInvalidArgument,
                 config.url() +
                     ": this is an EDF file without signals or annotations; nothing to "
                     "record"};
  for (const internal::EdfTrouble& trouble : file.troubles())
    skipped_.push_back({impl.name, trouble.offset, trouble.what, trouble.damage});
  if (untold) skipped_.push_back(internal::kept_as_bytes(config.url()));
  if (file.identified())
    skipped_.push_back(
        {impl.name, 8, "the header identifies a patient or a recording; both are left out", false});
  if (!file.has_date())
    skipped_.push_back(
        {impl.name, 168, "no date is written; the file begins with the case", false});
  return ok();
}

void EdfSource::Impl::put_events(int64_t until_ns, std::vector<Item>& out) {
  const auto& all = file.annotations();
  for (; annotation < all.size(); ++annotation) {
    const internal::EdfAnnotation& one = all[annotation];
    const int64_t t = saturating::add(file.start_ns(), one.onset_ns);
    if (t >= until_ns) return;
    v1::Event event;
    const std::string text = texts.read(one.text).utf8;
    if (one.duration_ns > 0) {
      event.mutable_interval()->set_level(v1::Interval::LEVEL_MARK);
      event.mutable_interval()->set_label(text);
      event.mutable_interval()->set_duration_ns(one.duration_ns);
      event.mutable_interval()->set_t_src_end(saturating::add(t, one.duration_ns));
    } else {
      event.mutable_text()->set_code("annotation");
      event.mutable_text()->set_text(text);
    }
    Item item = internal::event_item(*events, clock, t, std::move(event));
    if (one.duration_ns > 0) item.duration = nanoseconds(one.duration_ns);
    out.push_back(std::move(item));
  }
}

void EdfSource::Impl::put_record(std::vector<Item>& out) {
  file.read_record(record, bytes);
  const int64_t told = at(record);
  if (events) put_events(saturating::add(told, file.record_ns()), out);
  for (EdfGroup& group : groups) {
    int64_t begins = told;
    const int64_t half = group.rate.ns_of(1) / 2;
    if (record > 0 && file.discontinuous()) {
      const int64_t hole = saturating::subtract(begins, group.end_ns);
      if (hole > half) {
        const auto missing =
            static_cast<uint64_t>(std::llround(static_cast<double>(hole) * 1e-9 * group.rate.hz()));
        out.push_back(internal::gap_item(group.stream, clock, group.end_ns, begins,
                                         v1::Gap::ORIGIN_SOURCE, "recording-paused", missing));
      } else if (hole < -half) {
        if (&group == groups.data()) ++backward;
        out.push_back(internal::gap_item(group.stream, clock, group.end_ns, group.end_ns,
                                         v1::Gap::ORIGIN_CLOCK, "clock-reset"));
        begins = group.end_ns;
      }
      group.origin_ns = begins;
      group.ticks = 0;
    }
    internal::Ticks ticks;
    ticks.count = group.samples;
    for (const EdfSignal* signal : group.signals) {
      std::vector<int64_t>& codes = ticks.columns.emplace_back().ints;
      if (bytes.size() >= signal->at + uint64_t{signal->samples} * file.sample_bytes())
        file.decode(*signal, bytes, codes);
    }
    internal::put_ticks(group.stream, clock, group.rate, group.origin_ns, group.ticks,
                        std::move(ticks), "file-damaged", out);
    group.ticks += group.samples;
    group.end_ns = saturating::add(group.origin_ns, group.rate.ns_of(group.ticks));
  }
}

void EdfSource::Impl::finish(std::vector<Skipped>& skipped, std::vector<Item>& out) {
  if (events) put_events(INT64_MAX, out);
  if (const uint64_t lost = file.declared() - file.records(); lost > 0)
    for (const EdfGroup& group : groups) {
      uint64_t missing = 0;
      if (__builtin_mul_overflow(lost, group.samples, &missing)) missing = 0;
      out.push_back(internal::gap_item(
          group.stream, clock, group.end_ns,
          saturating::add(group.end_ns, group.rate.ns_of(std::max<uint64_t>(1, missing))),
          v1::Gap::ORIGIN_DECODE, "file-damaged", missing));
    }
  if (backward > 0)
    skipped.push_back({name, 0,
                       std::to_string(backward) +
                           " records tell a time before the end of the one before; they stand "
                           "behind it, and a gap stands between",
                       true});
}

Result<bool> EdfSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  if (impl.finished) return false;
  if (impl.record < impl.file.records()) {
    impl.put_record(out);
    ++impl.record;
    return true;
  }
  impl.finish(skipped_, out);
  impl.finished = true;
  return true;
}

std::vector<ClockState> EdfSource::clocks() const { return {impl_->clock.state()}; }

Wall EdfSource::wall() const {
  return {impl_->file.has_date() ? Wall::Kind::kLocal : Wall::Kind::kNone, impl_->clock.origin_ns};
}
void EdfSource::move(Duration by) { impl_->clock.start_ns += by.ns; }

Duration EdfSource::length() const {
  const Impl& impl = *impl_;
  if (impl.file.records() == 0) return {};
  return impl.clock.map(impl.at(impl.file.records() - 1)) + nanoseconds(impl.file.record_ns()) -
         CaseTime{};
}

}  // namespace casebox::recorder
