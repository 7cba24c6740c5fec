#include "recorder/sources/phases_source.h"

#include <algorithm>
#include <charconv>

#include "proto/base/file.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/file_text.h"
#include "recorder/sources/internal/phase_file.h"

namespace casebox::recorder {
namespace {

// How well people place a label, unless a file says otherwise: they step through a video, mostly in
// seconds.
constexpr Duration kByPeople = seconds(1);

constexpr size_t kMaxPhases = 32u << 20;

}  // namespace

Result<std::unique_ptr<Source>> PhasesSource::open(Context context) {
  CASEBOX_TRY(const auto text, read_file(context.config.url(), kMaxPhases));
  return parse(std::move(context), text);
}

Result<std::unique_ptr<Source>> PhasesSource::parse(Context context, const std::string& text) {
  const v1::SourceConfig& config = context.config;
  CASEBOX_TRY(auto file,
              internal::read_phases(text, config.url(), config.encoding(), frame_rate_of(config)));
  const internal::PhaseCase* chosen = &file.cases.front();
  if (!config.case_key().empty()) {
    const auto found = std::ranges::find(file.cases, config.case_key(), &internal::PhaseCase::name);
    if (found == file.cases.end())
      return Error{Code::kInvalidArgument, config.url() + ": the case of case_key is none of the " +
                                               std::to_string(file.cases.size()) + " in it"};
    chosen = &*found;
  } else if (file.cases.size() > 1) {
    return Error{Code::kInvalidArgument,
                 config.url() + ": holds " + std::to_string(file.cases.size()) +
                     " cases; say which with case_key in a recorder's configuration, or import the "
                     "file without --case, which makes a case of each"};
  }
  std::unique_ptr<PhasesSource> source(new PhasesSource);
  source->unit_ns_ = file.unit_ns;
  CASEBOX_TRY(source->start_ns_, internal::start_of(config));
  if (chosen->bad) return *chosen->bad;
  internal::say_encoding(file.told, config.url(), source->skipped_);
  for (const std::string& notice : file.notices)
    source->skipped_.push_back({internal::base_name(config.url()), 0, notice, false});
  for (const internal::PhaseInterval& from : chosen->intervals) {
    Mark& mark = source->marks_.emplace_back();
    mark.start = from.start;
    mark.end = from.end;
    mark.interval.set_level(from.level);
    mark.interval.set_label(from.label);
    mark.interval.set_label_id(from.label_id);
    mark.interval.set_duration_ns((from.end - from.start) * file.unit_ns);
    mark.interval.set_origin(v1::Interval::ORIGIN_HUMAN);
    mark.interval.set_annotator("annotator");
    mark.interval.set_t_src_end(from.end);
  }
  v1::Stream& stream = source->streams_.emplace_back();
  stream.set_name(config.name() + ".phases");
  stream.set_kind(v1::STREAM_KIND_PHASE);
  stream.set_stream_class(v1::STREAM_CLASS_A);
  stream.mutable_tick_rate_hz()->set_den(1);
  stream.set_device(config.device().empty() ? "annotation" : config.device());
  stream.set_clock_id(1);
  stream.set_source_time_unit(file.unit);
  return std::unique_ptr<Source>(std::move(source));
}

Result<bool> PhasesSource::next(std::vector<Item>& out) {
  if (at_ >= marks_.size()) return false;
  const Mark& mark = marks_[at_++];
  v1::Event event;
  event.set_t_src(mark.start);
  event.set_t_src_known(true);
  *event.mutable_interval() = mark.interval;
  Item item;
  item.t = CaseTime{start_ns_ + mark.start * unit_ns_};
  item.u95_us = static_cast<uint32_t>(std::max(kByPeople.ns, unit_ns_ / 2) / 1000);
  item.duration = nanoseconds((mark.end - mark.start) * unit_ns_);
  item.arrival = item.t;
  item.what = std::move(event);
  out.push_back(std::move(item));
  return true;
}

std::vector<ClockState> PhasesSource::clocks() const {
  return {{1, start_ns_, 0, static_cast<uint64_t>(unit_ns_ / 2), 0, false}};
}

Duration PhasesSource::length() const {
  int64_t end = 0;
  for (const Mark& mark : marks_) end = std::max(end, mark.end);
  return nanoseconds(start_ns_ + end * unit_ns_);
}

Result<std::vector<std::string>> phase_cases(const std::string& file, const std::string& encoding) {
  CASEBOX_TRY(const auto text, read_file(file, kMaxPhases));
  // Names do not hang on how many frames are a second.
  CASEBOX_TRY(const auto parsed, internal::read_phases(text, file, encoding, 1));
  std::vector<std::string> out;
  for (const internal::PhaseCase& one : parsed.cases) out.push_back(one.name);
  return out;
}

double frame_rate_of(const v1::SourceConfig& config) {
  std::string_view unit = config.time_unit();
  if (!unit.starts_with("1/") || !unit.ends_with(" s")) return 0;
  unit = unit.substr(2, unit.size() - 4);
  double rate = 0;
  const auto [end, ec] = std::from_chars(unit.data(), unit.data() + unit.size(), rate);
  return ec == std::errc() && end == unit.data() + unit.size() && rate > 0 && rate <= 1000 ? rate
                                                                                           : 0;
}

std::string frame_unit(double frame_rate) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, frame_rate);
  return "1/" + std::string(text, end.ptr) + " s";
}

}  // namespace casebox::recorder
