#include "recorder/sources/internal/even_samples.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "recorder/sources/internal/units.h"

namespace casebox::recorder::internal {
namespace {

constexpr uint64_t kMostTicks = 8192;
constexpr uint64_t kMostValues = 16'384;
constexpr int64_t kSecondNs = 1'000'000'000;
// One run is one frame, whose length has 32 bits of microseconds.
constexpr int64_t kLongestTicks = 3600 * kSecondNs;

bool is_absent(const Column& column) { return column.ints.empty() && column.reals.empty(); }

bool is_missing(const Column& column, size_t i) {
  return is_absent(column) || (!column.missing.empty() && column.missing[i]);
}

Column part_of(const Column& column, size_t from, size_t n) {
  Column out;
  const auto a = static_cast<ptrdiff_t>(from), b = static_cast<ptrdiff_t>(from + n);
  if (!column.ints.empty()) out.ints.assign(column.ints.begin() + a, column.ints.begin() + b);
  if (!column.reals.empty()) out.reals.assign(column.reals.begin() + a, column.reals.begin() + b);
  if (column.missing.empty()) return out;
  out.missing.assign(column.missing.begin() + a, column.missing.begin() + b);
  if (std::ranges::none_of(out.missing, [](bool m) { return m; })) out.missing.clear();
  return out;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank{" \t\r\n\0", 5};
  const size_t from = text.find_first_not_of(kBlank);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) + 1 - from);
}

bool read_number(std::string_view text, double& out) {
  text = trimmed(text);
  if (text.starts_with("+")) text.remove_prefix(1);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() && std::isfinite(out);
}

Rate Rate::of(std::string_view text, uint64_t factor) {
  text = trimmed(text);
  double value = 0;
  if (!read_number(text, value) || factor == 0) return {};
  const double hz = value * static_cast<double>(factor);
  if (!(hz >= 1e-6 && hz <= 1e9)) return {};
  // "0.0166666666667" is once a minute.
  const double period = std::round(1 / value);
  if (value < 1 && std::abs(period * value - 1) < 1e-9) {
    const uint64_t common = std::gcd(factor, static_cast<uint64_t>(period));
    return {factor / common, static_cast<uint64_t>(period) / common};
  }
  // Exactly as it is written, where that has no exponent and few digits.
  uint64_t num = 0, den = 1;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9' && num < 1'000'000'000'000 && den < 1'000'000'000) {
      num = num * 10 + static_cast<uint64_t>(c - '0');
      if (point) den *= 10;
    } else {
      num = static_cast<uint64_t>(std::llround(value * 1e6));
      den = 1'000'000;
      break;
    }
  }
  uint64_t product = 0;
  if (__builtin_mul_overflow(num, factor, &product) || product == 0) return {};
  const uint64_t common = std::gcd(product, den);
  return {product / common, den / common};
}

int64_t Rate::ns_of(uint64_t k) const {
  if (num == 0) return 0;
  const auto ns = static_cast<Wide>(k) * den * static_cast<uint64_t>(kSecondNs);
  const auto t = (ns + num / 2) / num;
  return t > static_cast<Wide>(INT64_MAX / 4) ? INT64_MAX / 4 : static_cast<int64_t>(t);
}

std::vector<std::string> rate_names(const std::vector<Rate>& rates) {
  const auto word = [](Rate rate) { return rate.hz() >= 10 ? "waves" : "numerics"; };
  std::vector<std::string> out;
  for (const Rate rate : rates) {
    std::string name = word(rate);
    if (std::ranges::count_if(rates, [&](Rate r) { return word(r) == name; }) > 1) {
      char text[32];
      const auto end =
          std::to_chars(text, text + sizeof text, rate.hz(), std::chars_format::general, 6);
      std::string number(text, end.ptr);
      std::ranges::replace(number, '.', '_');
      name += "_" + number + "hz";
    }
    const std::string base = name;
    for (int n = 2; std::ranges::find(out, name) != out.end(); ++n)
      name = base + "_" + std::to_string(n);
    out.push_back(std::move(name));
  }
  return out;
}

v1::Stream sample_stream(const std::string& name, Rate rate, const std::string& device) {
  v1::Stream stream;
  stream.set_name(name);
  stream.set_kind(rate.even() && rate.hz() >= 10 ? v1::STREAM_KIND_WAVE : v1::STREAM_KIND_NUMERIC);
  stream.set_stream_class(v1::STREAM_CLASS_B);
  stream.set_device(device);
  stream.set_clock_id(1);
  stream.set_source_time_unit("ns");
  stream.mutable_tick_rate_hz()->set_num(rate.num);
  stream.mutable_tick_rate_hz()->set_den(rate.den);
  return stream;
}

v1::Stream event_stream(const std::string& name, const std::string& device) {
  v1::Stream stream = sample_stream(name, {}, device);
  stream.set_kind(v1::STREAM_KIND_DEVICE);
  stream.set_stream_class(v1::STREAM_CLASS_A);
  return stream;
}

std::string name_part(const text::Text& told, const std::string& otherwise) {
  std::string name(text::cut(trimmed(told.utf8), 128));
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == '/' || (c == '\\' && told.certain)) c = '_';
  return name.empty() ? otherwise : name;
}

v1::Channel& add_channel(v1::Stream& stream, const std::string& wanted, const std::string& unit,
                         v1::SampleType type) {
  std::string name = wanted;
  for (int n = 2; std::ranges::any_of(stream.channels(),
                                      [&](const v1::Channel& c) { return c.name() == name; });
       ++n)
    name = wanted + "_" + std::to_string(n);
  v1::Channel& channel = *stream.add_channels();
  channel.set_id(static_cast<uint32_t>(stream.channels_size()));
  channel.set_name(name);
  channel.set_unit(ucum(unit));
  channel.set_type(type);
  channel.set_samples_per_tick(1);
  channel.mutable_text()->set_style(v1::TextFormat::STYLE_SHORTEST);
  return channel;
}

Item gap_item(size_t stream, const FileClock& clock, int64_t from_ns, int64_t to_ns,
              v1::Gap::Origin origin, const char* reason, uint64_t missing) {
  v1::Gap gap;
  gap.set_origin(origin);
  gap.set_reason(reason);
  gap.set_missing(missing);
  gap.set_count_unknown(missing == 0);
  gap.set_t_begin_ns(clock.map(from_ns).ns);
  gap.set_t_end_ns(std::max(clock.map(from_ns), clock.map(to_ns)).ns);
  Item item;
  item.stream = stream;
  item.t = CaseTime{gap.t_begin_ns()};
  item.arrival = CaseTime{gap.t_end_ns()};
  item.what = std::move(gap);
  return item;
}

Item event_item(size_t stream, const FileClock& clock, int64_t t_ns, v1::Event event) {
  event.set_t_src(t_ns);
  event.set_t_src_known(true);
  Item item;
  item.stream = stream;
  item.t = clock.map(t_ns);
  item.u95_us = clock.u95_us();
  item.arrival = item.t;
  item.what = std::move(event);
  return item;
}

void put_ticks(size_t stream, const FileClock& clock, Rate rate, int64_t origin_ns, uint64_t first,
               Ticks ticks, const char* reason, std::vector<Item>& out) {
  const auto missing_at = [&](uint64_t i) {
    return std::ranges::all_of(
        ticks.columns, [&](const Column& c) { return is_missing(c, static_cast<size_t>(i)); });
  };
  const auto at = [&](uint64_t i) { return saturating::add(origin_ns, rate.ns_of(first + i)); };
  const auto longest = static_cast<uint64_t>(
      std::clamp(rate.hz() * static_cast<double>(kLongestTicks / kSecondNs), 1.0, 1e6));
  const uint64_t most = std::clamp<uint64_t>(
      std::min(kMostValues / std::max<size_t>(1, ticks.columns.size()), longest), 1, kMostTicks);
  for (uint64_t i = 0; i < ticks.count;) {
    const bool hole = missing_at(i);
    uint64_t end = i + 1;
    while (end < ticks.count && missing_at(end) == hole && (hole || end - i < most)) ++end;
    if (hole) {
      out.push_back(
          gap_item(stream, clock, at(i), at(end), v1::Gap::ORIGIN_SOURCE, reason, end - i));
      i = end;
      continue;
    }
    Item item;
    Samples samples;
    for (const Column& column : ticks.columns)
      samples.columns.push_back(is_absent(column) ? Column{} : part_of(column, i, end - i));
    samples.t_src = at(i);
    samples.t_src_step = rate.ns_of(1);
    item.stream = stream;
    item.t = clock.map(samples.t_src);
    item.u95_us = clock.u95_us();
    item.duration = nanoseconds(std::min(at(end) - at(i), kLongestTicks));
    item.arrival = item.t + item.duration;
    item.count = static_cast<uint32_t>(end - i);
    item.what = std::move(samples);
    out.push_back(std::move(item));
    i = end;
  }
}

}  // namespace casebox::recorder::internal
