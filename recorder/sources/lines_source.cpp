#include "recorder/sources/lines_source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "proto/base/file.h"
#include "recorder/clock/one_way_clock.h"

namespace casebox::recorder {
namespace {

using LineJson = nlohmann::json;

constexpr size_t kLongestLine = 1u << 20;
constexpr int kLinePollMs = 100;
constexpr size_t kMaxStreams = 64, kMaxChannels = 256, kMaxTicks = 65'536;
constexpr Duration kStopWithin = milliseconds(200);
constexpr uint32_t kUntimedU95 = 10'000;  // of arrival alone: local delivery

struct LineKind {
  const char* name;
  v1::StreamKind kind;
};
constexpr LineKind kLineKinds[] = {
    {"numeric", v1::STREAM_KIND_NUMERIC},  {"wave", v1::STREAM_KIND_WAVE},
    {"twin", v1::STREAM_KIND_TWIN_SERIES}, {"device", v1::STREAM_KIND_DEVICE},
    {"team", v1::STREAM_KIND_TEAM},        {"room", v1::STREAM_KIND_ROOM},
};

Error bad_address(const std::string& url, const std::string& what) {
  return Error{Code::kInvalidArgument, url + ": " + what};
}

/// A socket that listens on an address of this machine.
Result<Fd> listen_on(const std::string& url) {
  if (url.starts_with("unix:")) {
    const std::string path = url.substr(5);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
      return bad_address(url,
                         "no path, or one longer than 107 bytes; write unix:/run/casebox/monitor");
    std::memcpy(address.sun_path, path.data(), path.size());
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    unlink(path.c_str());
    const mode_t before = umask(0177);
    const bool bound = bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    umask(before);
    if (bound && listen(fd.get(), 1) == 0) return fd;
    return Error{Code::kUnavailable, url + ": " + std::strerror(errno)};
  }
  const size_t colon = url.rfind(':');
  const std::string host =
      url.starts_with("tcp://") && colon > 6 ? url.substr(6, colon - 6) : std::string();
  unsigned port = 0;
  const char* end = url.data() + url.size();
  const auto parsed = std::from_chars(url.data() + std::min(colon + 1, url.size()), end, port);
  if (host != "127.0.0.1" || parsed.ec != std::errc() || parsed.ptr != end || port == 0 ||
      port > 65'535)
    return bad_address(url,
                       "write tcp://127.0.0.1:PORT or unix:/path: senders are of this machine");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      listen(fd.get(), 1) == 0)
    return fd;
  return Error{Code::kUnavailable, url + ": " + std::strerror(errno)};
}

}  // namespace

struct LinesSource::Impl {
  v1::SourceConfig config;
  Clock* clock = nullptr;
  MonoTime zero;
  const std::atomic<bool>* opening = nullptr;
  const std::atomic<bool>* stopping = nullptr;
  Fd peer;
  std::string buffer;
  bool over = false;  // the sender is gone
  OneWayClock sender{};
  bool timed = false;
  std::vector<std::optional<uint64_t>> numbers;  // by stream: the next one
  std::vector<CaseTime> ends;                    // by stream: of its last item
  uint64_t unread = 0;                           // lines that could not be read
  std::optional<CaseTime> asked_to_stop;

  bool stopped() const {
    return (opening != nullptr && opening->load()) || (stopping != nullptr && stopping->load());
  }
  CaseTime now() const { return CaseTime{(clock->mono() - zero).ns}; }
  bool readable(int fd, int timeout) const {
    pollfd wait{fd, POLLIN, 0};
    return poll(&wait, 1, timeout) > 0;
  }

  /// The next whole line; none yet after a while, or when `over`.
  std::optional<std::string> line() {
    const auto whole = [&]() -> std::optional<std::string> {
      const size_t end = buffer.find('\n');
      if (end == std::string::npos) return std::nullopt;
      std::string out = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      return out;
    };
    if (auto out = whole()) return out;
    if (over || !readable(peer.get(), kLinePollMs)) return std::nullopt;
    char bytes[16'384];
    const ssize_t n = recv(peer.get(), bytes, sizeof bytes, 0);
    if (n <= 0 || buffer.size() > kLongestLine) {
      over = true;
      return std::nullopt;
    }
    buffer.append(bytes, static_cast<size_t>(n));
    return whole();
  }
};

LinesSource::LinesSource() : impl_(std::make_unique<Impl>()) {}
LinesSource::~LinesSource() = default;

namespace {

/// What the first line says there is.
Result<std::vector<v1::Stream>> streams_of_hello(const std::string& text,
                                                 const v1::SourceConfig& config) {
  const LineJson hello = LineJson::parse(text, nullptr, false);
  const auto wrong = [&](const std::string& what) {
    return Error{Code::kUnavailable, config.url() + ":1: " + what};
  };
  if (!hello.is_object() || !hello.contains("streams") || !hello["streams"].is_array() ||
      hello["streams"].empty() || hello["streams"].size() > kMaxStreams)
    return wrong("the first line does not name the streams: {\"streams\": [...]}, at most 64");
  std::vector<v1::Stream> out;
  for (const LineJson& row : hello["streams"]) {
    const auto text_of = [&](const char* key) {
      const auto at = row.is_object() ? row.find(key) : row.end();
      return row.is_object() && at != row.end() && at->is_string() ? at->get<std::string>() : "";
    };
    const std::string name = text_of("name"), kind = text_of("kind");
    const auto* known = std::find_if(std::begin(kLineKinds), std::end(kLineKinds),
                                     [&](const LineKind& k) { return kind == k.name; });
    if (name.empty() || known == std::end(kLineKinds))
      return wrong("a stream needs a name and a kind: numeric, wave, twin, device, team or room");
    v1::Stream& stream = out.emplace_back();
    stream.set_name(config.name() + "." + name);
    stream.set_kind(known->kind);
    const bool samples = known->kind <= v1::STREAM_KIND_TWIN_SERIES;
    stream.set_stream_class(samples ? v1::STREAM_CLASS_B : v1::STREAM_CLASS_A);
    stream.set_device(!config.device().empty() ? config.device() : text_of("device"));
    stream.set_clock_id(1);
    stream.set_source_time_unit("ns");
    stream.mutable_tick_rate_hz()->set_den(1);
    const auto rate = row.find("rate_hz");
    if (rate != row.end() && rate->is_number_unsigned() && *rate <= 100'000u)
      stream.mutable_tick_rate_hz()->set_num(rate->get<uint64_t>());
    if (!samples) continue;
    const auto channels = row.find("channels");
    if (channels == row.end() || !channels->is_array() || channels->empty() ||
        channels->size() > kMaxChannels)
      return wrong("a stream of samples names its channels, at most 256");
    for (const LineJson& from : *channels) {
      const bool named = from.is_object() && from.contains("name") && from["name"].is_string();
      if (!named) return wrong("a channel has no name");
      v1::Channel& channel = *stream.add_channels();
      channel.set_id(static_cast<uint32_t>(stream.channels_size()));
      channel.set_name(from["name"].get<std::string>());
      if (from.contains("unit") && from["unit"].is_string())
        channel.set_unit(from["unit"].get<std::string>());
      channel.set_type(v1::SAMPLE_TYPE_F64);
      channel.set_samples_per_tick(1);
      channel.mutable_text()->set_style(v1::TextFormat::STYLE_SHORTEST);
    }
  }
  return out;
}

/// One tick as numbers, or for each channel a list of as many. False: it is neither.
bool read_line_samples(const LineJson& values, size_t channels, Samples& out, uint32_t& ticks) {
  if (!values.is_array() || values.size() != channels) return false;
  const bool lists = values.front().is_array();
  const size_t n = lists ? values.front().size() : 1;
  if (n == 0 || n > kMaxTicks) return false;
  out.columns.resize(channels);
  for (size_t c = 0; c < channels; ++c) {
    if (lists && (!values[c].is_array() || values[c].size() != n)) return false;
    for (size_t i = 0; i < n; ++i) {
      const LineJson& value = lists ? values[c][i] : values[c];
      if (!value.is_null() && !value.is_number()) return false;
      Column& column = out.columns[c];
      column.reals.push_back(value.is_null() ? 0 : value.get<double>());
      if (value.is_null()) column.missing.resize(i, false);
      if (value.is_null() || !column.missing.empty()) column.missing.push_back(value.is_null());
    }
  }
  ticks = static_cast<uint32_t>(n);
  return true;
}

bool read_line_event(const LineJson& line, v1::Event& out) {
  const auto code = line.find("code");
  if (code == line.end() || !code->is_string()) return false;
  const auto text_of = [&](const char* key) {
    const auto at = line.find(key);
    return at != line.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  if (line.contains("label") || line.contains("role")) {
    v1::TeamMark& mark = *out.mutable_mark();
    mark.set_code(code->get<std::string>());
    mark.set_label(text_of("label"));
    mark.set_reason(text_of("reason"));
    mark.set_role(text_of("role"));
    return true;
  }
  v1::DeviceEvent& event = *out.mutable_device();
  event.set_code(code->get<std::string>());
  if (const auto on = line.find("on"); on != line.end() && on->is_boolean())
    event.set_on(on->get<bool>());
  else if (const auto number = line.find("number"); number != line.end() && number->is_number())
    event.set_number(number->get<double>());
  else
    event.set_text(text_of("text"));
  event.set_unit(text_of("unit"));
  return true;
}

Item lost_lines(size_t stream, CaseTime from, CaseTime until, std::optional<uint64_t> count) {
  v1::Gap gap;
  gap.set_origin(count ? v1::Gap::ORIGIN_TRANSPORT : v1::Gap::ORIGIN_DECODE);
  gap.set_reason(count ? "lost-packets" : "record-damaged");
  if (count)
    gap.set_missing(*count);
  else
    gap.set_count_unknown(true);
  gap.set_t_begin_ns(std::min(from, until).ns);
  gap.set_t_end_ns(until.ns);
  Item item;
  item.stream = stream;
  item.t = std::min(from, until);
  item.arrival = until;
  item.what = std::move(gap);
  return item;
}

}  // namespace

Result<void> LinesSource::greet() {
  Impl& impl = *impl_;
  std::optional<std::string> hello;
  do {
    hello = impl.line();
  } while (!hello && !impl.over && !impl.stopped());
  if (!hello)
    return Error{Code::kUnavailable, impl.config.url() + ": the sender went without a word"};
  CASEBOX_TRY(streams_, streams_of_hello(*hello, impl.config));
  impl.opening = nullptr;
  impl.stopping = &stopping_;
  impl.numbers.resize(streams_.size());
  impl.ends.resize(streams_.size(), impl.now());
  return ok();
}

Result<std::unique_ptr<Source>> LinesSource::open(Context context) {
  std::unique_ptr<LinesSource> source(new LinesSource);
  Impl& impl = *source->impl_;
  impl.config = context.config;
  impl.clock = context.clock;
  impl.zero = context.case_zero;
  impl.opening = context.stopping;
  CASEBOX_TRY(auto listener, listen_on(context.config.url()));
  while (!impl.readable(listener.get(), kLinePollMs))
    if (impl.stopped())
      return Error{Code::kUnavailable, context.config.url() + ": nobody has connected"};
  impl.peer = Fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  CASEBOX_CHECK(source->greet());
  return std::unique_ptr<Source>(std::move(source));
}

Result<std::unique_ptr<Source>> LinesSource::over(Context context, std::string bytes) {
  std::unique_ptr<LinesSource> source(new LinesSource);
  Impl& impl = *source->impl_;
  impl.config = context.config;
  impl.clock = context.clock;
  impl.zero = context.case_zero;
  impl.buffer = std::move(bytes);
  impl.over = true;
  CASEBOX_CHECK(source->greet());
  return std::unique_ptr<Source>(std::move(source));
}

Result<bool> LinesSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  // What has arrived is still taken in; a sender that never pauses holds up nobody.
  if (impl.stopped() && !impl.asked_to_stop) impl.asked_to_stop = impl.now();
  if (impl.asked_to_stop && impl.now() - *impl.asked_to_stop > kStopWithin) return false;
  const auto text = impl.line();
  if (!text) {
    if (impl.stopped()) return false;
    if (impl.over)
      return Error{Code::kUnavailable, impl.config.url() + ": the sender has gone; start it again"};
    return true;
  }
  if (text->empty()) return true;
  const CaseTime arrival = impl.now();
  const LineJson line = LineJson::parse(*text, nullptr, false);
  if (line.is_object() && line.contains("bye") && line["bye"] == true) return false;
  const std::string name = line.is_object() && line.contains("s") && line["s"].is_string()
                               ? impl.config.name() + "." + line["s"].get<std::string>()
                               : std::string();
  const auto at = std::ranges::find(streams_, name, &v1::Stream::name);
  const auto damaged = [&](size_t stream) {
    out.push_back(lost_lines(stream, impl.ends[stream], arrival, std::nullopt));
    impl.ends[stream] = arrival;
  };
  const auto note = [&](const char* what) {
    if (impl.unread++ == 0)
      skipped_.push_back(
          {impl.config.name(), 0, std::string("a line was not read: ") + what, true});
  };
  if (at == streams_.end()) {
    note("it names none of the streams");
    for (size_t i = 0; i < streams_.size(); ++i) damaged(i);
    return true;
  }
  const auto stream = static_cast<size_t>(at - streams_.begin());
  Item item;
  item.stream = stream;
  item.t = item.arrival = arrival;
  item.u95_us = kUntimedU95;
  std::optional<int64_t> sent;
  if (const auto t = line.find("t"); t != line.end() && t->is_number_integer())
    sent = t->get<int64_t>();
  const uint64_t rate = at->tick_rate_hz().num();
  const int64_t step = rate > 0 ? 1'000'000'000 / static_cast<int64_t>(rate) : 0;
  if (at->kind() <= v1::STREAM_KIND_TWIN_SERIES) {
    Samples samples;
    const auto values = line.find("v");
    if (values == line.end() ||
        !read_line_samples(*values, static_cast<size_t>(at->channels_size()), samples,
                           item.count) ||
        (item.count > 1 && step == 0)) {
      note("its values do not fit the stream's channels");
      damaged(stream);
      return true;
    }
    item.duration = nanoseconds(step) * item.count;
    samples.t_src = sent.value_or(0);
    samples.t_src_step = step;
    item.what = std::move(samples);
  } else {
    v1::Event event;
    if (!read_line_event(line, event)) {
      note("an event has no code");
      damaged(stream);
      return true;
    }
    event.set_t_src(sent.value_or(0));
    event.set_t_src_known(sent.has_value());
    item.what = std::move(event);
  }
  if (sent) {
    // What a block holds was measured before it was sent.
    impl.sender.observe(saturating::add(*sent, item.duration.ns), arrival);
    impl.timed = true;
    item.t = impl.sender.map(*sent);
    item.u95_us = impl.sender.u95_us();
  } else {
    item.t = arrival - item.duration;
  }
  std::optional<uint64_t>& expected = impl.numbers[stream];
  if (const auto n = line.find("n"); n != line.end() && n->is_number_unsigned()) {
    const auto number = n->get<uint64_t>();
    if (expected && number > *expected)
      out.push_back(lost_lines(stream, impl.ends[stream], item.t, number - *expected));
    expected =
        saturating::add(static_cast<int64_t>(std::min<uint64_t>(number, INT64_MAX)), item.count);
  }
  impl.ends[stream] = std::max(impl.ends[stream], item.t + item.duration);
  out.push_back(std::move(item));
  return true;
}

std::vector<ClockState> LinesSource::clocks() const {
  if (!impl_->timed) return {};
  const OneWayClock& clock = impl_->sender;
  return {
      {1, clock.offset_ns(), 0, uint64_t{clock.u95_us()} * 1000, clock.resets(), clock.broken()}};
}

}  // namespace casebox::recorder
