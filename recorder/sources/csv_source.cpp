#include "recorder/sources/csv_source.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "proto/base/file.h"
#include "recorder/sources/internal/csv_table.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/file_text.h"
#include "recorder/sources/internal/units.h"

namespace casebox::recorder {
namespace {

using internal::CsvTable;

constexpr size_t kMaxFile = 256u << 20;
constexpr int64_t kSecond = 1'000'000'000;
constexpr size_t kMaxRun = 256;       // rows handed out at once
constexpr size_t kMaxCells = 16'384;  // and cells

// One run of rows is one frame, whose length has 32 bits of microseconds (71 minutes).
constexpr int64_t kLongestRun = 3600 * kSecond;

v1::Rational rate_of(int64_t step_ns) {
  int64_t a = kSecond, b = step_ns;
  while (b != 0) std::swap(a %= b, b);
  v1::Rational rate;
  rate.set_num(static_cast<uint64_t>(kSecond / a));
  rate.set_den(static_cast<uint64_t>(step_ns / a));
  return rate;
}

}  // namespace

struct CsvSource::Impl {
  explicit Impl(CsvTable t) : table(std::move(t)) {}

  void find_step();

  CsvTable table;
  internal::FileClock clock;
  std::vector<int64_t> times;  // of rows, ns as the file tells them
  Wall::Kind wall = Wall::Kind::kNone;
  int64_t step = 0;             // 0: irregular
  std::vector<size_t> columns;  // of the table, one per channel
  size_t position = 0;
  size_t row = 0;
};

CsvSource::CsvSource() = default;
CsvSource::~CsvSource() = default;

// The step is the most common distance; the grid holds if every other distance is a multiple of it.
void CsvSource::Impl::find_step() {
  if (times.size() < 2) return;
  std::vector<int64_t> steps;
  for (size_t i = 1; i < times.size(); ++i) steps.push_back(times[i] - times[i - 1]);
  std::vector<int64_t> sorted = steps;
  std::ranges::sort(sorted);
  size_t best = 0;
  for (size_t i = 0; i < sorted.size();) {
    size_t j = i;
    while (j < sorted.size() && sorted[j] == sorted[i]) ++j;
    if (j - i > best) {
      best = j - i;
      step = sorted[i];
    }
    i = j;
  }
  const bool even = step > 0 && std::ranges::all_of(steps, [&](int64_t s) {
                      return s > 0 && s % step == 0 && s / step < (1 << 24);
                    });
  if (!even) step = 0;
}

Result<std::unique_ptr<Source>> CsvSource::open(Context context) {
  CASEBOX_TRY(auto text, read_file(context.config.url(), kMaxFile));
  return parse(std::move(context), std::move(text));
}

Result<std::unique_ptr<Source>> CsvSource::parse(Context context, std::string text) {
  const v1::SourceConfig& config = context.config;
  CASEBOX_CHECK(text::check_encoding(config.encoding()));
  text::Text told = text::to_utf8(text, config.encoding());
  const auto options = internal::CsvOptions::of(config);
  CASEBOX_TRY(auto table, CsvTable::parse(std::move(told.utf8), config.url(), options));
  const std::string header = config.url() + ":" + std::to_string(table.header_line());
  if (table.time().time < 0)
    return Error{Code::kInvalidArgument,
                 header +
                     ": no column tells the time; name one time, t or timestamp, or say which "
                     "with --time-column"};
  if (std::ranges::none_of(table.columns(), &internal::CsvColumn::numbers))
    return Error{Code::kInvalidArgument,
                 header + ": no column of numbers beside the time; is this the file?"};
  std::unique_ptr<CsvSource> source(new CsvSource);
  source->impl_ = std::make_unique<Impl>(std::move(table));
  Impl& impl = *source->impl_;
  internal::say_encoding(told, config.url(), source->skipped_);
  CASEBOX_TRY(auto times, internal::read_times(impl.table, options, config.url()));
  for (const std::vector<std::string>* notices :
       {&impl.table.notices(), &std::as_const(times.notices)})
    for (const std::string& notice : *notices)
      source->skipped_.push_back({internal::base_name(config.url()), 0, notice, false});
  impl.times = std::move(times.ns);
  impl.wall = times.kind;
  impl.clock.quantum_ns = times.quantum_ns;
  impl.find_step();
  CASEBOX_TRY(impl.clock.start_ns, internal::start_of(config));
  if (impl.wall != Wall::Kind::kNone) impl.clock.origin_ns = impl.times.front();

  v1::Stream& stream = source->streams_.emplace_back();
  stream.set_name(config.name() + ".series");
  const bool twin = config.device() == "digital-twin" || config.name().starts_with("twin");
  const bool fast = impl.step > 0 && impl.step <= kSecond / 10;
  stream.set_kind(twin   ? v1::STREAM_KIND_TWIN_SERIES
                  : fast ? v1::STREAM_KIND_WAVE
                         : v1::STREAM_KIND_NUMERIC);
  stream.set_stream_class(v1::STREAM_CLASS_B);
  stream.set_device(!config.device().empty() ? config.device() : twin ? "digital-twin" : "csv");
  stream.set_clock_id(1);
  stream.set_source_time_unit("ns");
  if (impl.step > 0) {
    *stream.mutable_tick_rate_hz() = rate_of(impl.step);
  } else {
    stream.mutable_tick_rate_hz()->set_den(1);
  }
  for (size_t c = 0; c < impl.table.columns().size(); ++c) {
    const internal::CsvColumn& column = impl.table.columns()[c];
    if (!column.numbers) continue;
    impl.columns.push_back(c);
    v1::Channel& channel = *stream.add_channels();
    channel.set_id(static_cast<uint32_t>(impl.columns.size()));
    channel.set_name(column.name);
    channel.set_unit(column.unit.empty() && !config.unit().empty() ? config.unit()
                                                                   : internal::ucum(column.unit));
    channel.set_type(column.type);
    channel.set_decimals(column.decimals);
    channel.set_samples_per_tick(1);
    *channel.mutable_text() = column.text;
    if (!column.inexact.empty())
      source->skipped_.push_back({internal::base_name(config.url()), 0,
                                  "column " + std::to_string(c + 1) +
                                      " has no single way of writing its numbers (" +
                                      column.inexact + "); values are kept, not their spelling"});
  }
  return std::unique_ptr<Source>(std::move(source));
}

Result<bool> CsvSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  std::vector<std::string_view> cells;
  const size_t most =
      impl.step > 0 ? std::clamp<size_t>(std::min(kMaxCells / impl.columns.size(),
                                                  static_cast<size_t>(kLongestRun / impl.step)),
                                         1, kMaxRun)
                    : 1;
  Item item;
  Samples samples;
  samples.columns.resize(impl.columns.size());
  size_t rows = 0;
  while (rows < most && impl.row < impl.times.size()) {
    const int64_t t = impl.times[impl.row];
    if (rows > 0 && t != saturating::add(impl.times[impl.row - 1], impl.step))
      break;  // a hole ends the run
    if (!impl.table.next_row(impl.position, cells)) break;
    if (rows == 0) {
      samples.t_src = t;
      samples.t_src_step = impl.step;
      item.t = impl.clock.map(t);
    }
    for (size_t c = 0; c < impl.columns.size(); ++c) {
      Column& column = samples.columns[c];
      const internal::CsvColumn& form = impl.table.columns()[impl.columns[c]];
      double value = 0;
      bool missing = false;
      CsvTable::number(cells[impl.columns[c]], value, missing);
      if (form.type == v1::SAMPLE_TYPE_INT) {
        int64_t code = 0;
        if (!missing) CsvTable::scaled(cells[impl.columns[c]], form.decimals, code);
        column.ints.push_back(code);
      } else {
        column.reals.push_back(missing ? 0 : value);
      }
      if (missing) column.missing.resize(rows, false);
      if (missing || !column.missing.empty()) column.missing.push_back(missing);
    }
    ++rows;
    ++impl.row;
  }
  if (rows == 0) return false;
  item.count = static_cast<uint32_t>(rows);
  item.duration = nanoseconds(impl.step) * static_cast<int64_t>(rows);
  item.u95_us = impl.clock.u95_us();
  item.arrival = item.t + item.duration;
  item.what = std::move(samples);
  const CaseTime end = item.arrival;
  out.push_back(std::move(item));
  if (impl.step > 0 && impl.row < impl.times.size()) {
    const int64_t hole =
        impl.times[impl.row] - impl.times[impl.row - 1] - impl.step;  // in range: kLatest
    if (hole > 0) {
      Item gap;
      v1::Gap why;
      why.set_origin(v1::Gap::ORIGIN_SOURCE);
      why.set_reason("missing-rows");
      why.set_missing(static_cast<uint64_t>(hole / impl.step));
      why.set_t_begin_ns(end.ns);
      why.set_t_end_ns(impl.clock.map(impl.times[impl.row]).ns);
      gap.t = end;
      gap.arrival = impl.clock.map(impl.times[impl.row]);
      gap.what = std::move(why);
      out.push_back(std::move(gap));
    }
  }
  return true;
}

std::vector<ClockState> CsvSource::clocks() const { return {impl_->clock.state()}; }

Wall CsvSource::wall() const { return {impl_->wall, impl_->times.front()}; }
void CsvSource::move(Duration by) { impl_->clock.start_ns += by.ns; }

Duration CsvSource::length() const {
  return impl_->clock.map(impl_->times.back()) + nanoseconds(impl_->step) - CaseTime{};
}

}  // namespace casebox::recorder
