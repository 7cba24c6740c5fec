#include "recorder/sources/hl7_source.h"

#include <algorithm>

#include "proto/base/file.h"
#include "recorder/sources/internal/even_samples.h"
#include "recorder/sources/internal/file_text.h"
#include "recorder/sources/internal/hl7_file.h"

namespace casebox::recorder {

namespace {

constexpr size_t kMaxHl7File = 256u << 20;
constexpr size_t kHl7AtOnce = 256;  // rows

}  // namespace

struct Hl7Source::Impl {
  internal::Hl7File file;
  internal::FileClock clock;
  size_t number = 0, text = 0;  // next ones
  int64_t first_ns = 0, last_ns = 0;
  bool has_numbers = false;

  void put_row(std::vector<Item>& out);
};

Hl7Source::Hl7Source() : impl_(std::make_unique<Impl>()) {}
Hl7Source::~Hl7Source() = default;

Result<std::unique_ptr<Source>> Hl7Source::open(Context context) {
  CASEBOX_TRY(const Bytes bytes, read_file(context.config.url(), kMaxHl7File));
  return over(std::move(context), bytes);
}

Result<std::unique_ptr<Source>> Hl7Source::over(Context context, BytesView bytes) {
  const v1::SourceConfig& config = context.config;
  std::unique_ptr<Hl7Source> source(new Hl7Source);
  Impl& impl = *source->impl_;
  CASEBOX_TRY(impl.file, internal::read_hl7(bytes, config.url(), config.zone(), config.encoding()));
  for (const std::string& notice : impl.file.notices)
    source->skipped_.push_back({internal::base_name(config.url()), 0, notice, false});
  impl.has_numbers = !impl.file.numbers.empty();
  impl.first_ns = INT64_MAX;
  impl.last_ns = INT64_MIN;
  for (const auto* list : {&impl.file.numbers, &impl.file.texts})
    if (!list->empty()) {
      impl.first_ns = std::min(impl.first_ns, list->front().ns);
      impl.last_ns = std::max(impl.last_ns, list->back().ns);
    }
  CASEBOX_TRY(impl.clock.start_ns, internal::start_of(config));
  impl.clock.origin_ns = impl.first_ns;
  impl.clock.quantum_ns = impl.file.grain_ns;
  const std::string device = config.device().empty() ? "monitor" : config.device();
  if (impl.has_numbers) {
    v1::Stream& stream = source->streams_.emplace_back(
        internal::sample_stream(config.name() + ".numerics", {}, device));
    for (const internal::Hl7Name& one : impl.file.names)
      internal::add_channel(stream, internal::name_part({one.name, "UTF-8", true}, "observation"),
                            one.unit, v1::SAMPLE_TYPE_F64);
  }
  if (!impl.file.texts.empty())
    source->streams_.push_back(internal::event_stream(config.name() + ".events", device));
  return std::unique_ptr<Source>(std::move(source));
}

/// The numbers of one moment; one that comes twice in it begins another row.
void Hl7Source::Impl::put_row(std::vector<Item>& out) {
  internal::Ticks row;
  row.count = 1;
  row.columns.resize(file.names.size());
  const int64_t t = file.numbers[number].ns;
  for (; number < file.numbers.size() && file.numbers[number].ns == t; ++number) {
    Column& column = row.columns[file.numbers[number].name];
    if (!column.reals.empty()) break;
    column.reals.push_back(file.numbers[number].value);
  }
  const size_t before = out.size();
  internal::put_ticks(0, clock, {}, t, 0, std::move(row), "invalid-samples", out);
  for (size_t i = before; i < out.size(); ++i)
    if (auto* one = std::get_if<Samples>(&out[i].what)) {
      one->t_src_step = 0;
      out[i].duration = {};
      out[i].arrival = out[i].t;
    }
}

Result<bool> Hl7Source::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  for (size_t i = 0; i < kHl7AtOnce; ++i) {
    const bool number = impl.number < impl.file.numbers.size();
    const bool text = impl.text < impl.file.texts.size();
    if (!number && !text) return i > 0;
    if (number && (!text || impl.file.numbers[impl.number].ns <= impl.file.texts[impl.text].ns)) {
      impl.put_row(out);
      continue;
    }
    const internal::Hl7Observation& one = impl.file.texts[impl.text++];
    v1::Event event;
    event.mutable_text()->set_code("observation");
    event.mutable_text()->set_text(impl.file.text_names[one.name] + "\t" + one.text);
    out.push_back(
        internal::event_item(impl.has_numbers ? 1 : 0, impl.clock, one.ns, std::move(event)));
  }
  return true;
}

std::vector<ClockState> Hl7Source::clocks() const { return {impl_->clock.state()}; }
Wall Hl7Source::wall() const { return {impl_->file.wall, impl_->first_ns}; }
void Hl7Source::move(Duration by) { impl_->clock.start_ns += by.ns; }

Duration Hl7Source::length() const { return impl_->clock.map(impl_->last_ns) - CaseTime{}; }

}  // namespace casebox::recorder
