#include "recorder/sources/internal/xdf_file.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "recorder/sources/internal/even_samples.h"

namespace casebox::recorder::internal {
namespace {

using namespace std::string_view_literals;

constexpr size_t kMaxXdfChannels = 4096;
constexpr uint64_t kMaxXdfHeader = 4u << 20;
constexpr uint64_t kMaxXdfChunk = 64u << 20;
constexpr size_t kMaxXdfTroubles = 100;
constexpr size_t kMaxXdfText = 64u << 10;
constexpr size_t kXdfWindow = 1u << 20;
constexpr std::string_view kXdfBoundary =
    "\x43\xA5\x46\xDC\xCB\xF5\x41\x0F\xB3\x0E\xD5\x46\x73\x83\xCB\xE4"sv;

/// A field after the other; `ok` turns false when they end too soon.
class XdfCursor {
 public:
  explicit XdfCursor(BytesView bytes) : rest_(bytes) {}
  template <typename T>
  T take() {
    if (rest_.size() < sizeof(T)) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const T value = load_le<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  /// A length: how many bytes it has, then those.
  uint64_t length() {
    switch (take<uint8_t>()) {
      case 1: return take<uint8_t>();
      case 4: return take<uint32_t>();
      case 8: return take<uint64_t>();
      default: ok_ = false; return 0;
    }
  }
  std::string_view text(uint64_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view out = rest_.substr(0, static_cast<size_t>(size));
    rest_.remove_prefix(static_cast<size_t>(size));
    return out;
  }
  bool ok() const { return ok_; }
  size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::string plain_of_xml(std::string_view xml) {
  std::string out;
  for (size_t i = 0; i < xml.size(); ++i) {
    static constexpr std::pair<std::string_view, char> kNames[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    const auto named = std::ranges::find_if(
        kNames, [&](const auto& one) { return xml.substr(i).starts_with(one.first); });
    if (named == std::end(kNames)) {
      out += xml[i];
    } else {
      out += named->second;
      i += named->first.size() - 1;
    }
  }
  return std::string(trimmed(out));
}

/// Calls `see(path, text)` for each element that holds text; a path is "info/desc/channels". No
/// more of XML than liblsl and its kin write: no entities but the five, no namespaces, no DTD.
template <typename See>
void walk_xml(std::string_view xml, const See& see) {
  std::vector<std::string_view> open;
  std::string path;
  const auto join = [&] {
    path.clear();
    for (const std::string_view name : open) path += (path.empty() ? "" : "/") + std::string(name);
  };
  size_t text_from = 0;
  for (size_t at = xml.find('<'); at != xml.npos; at = xml.find('<', at)) {
    const size_t end = xml.find('>', at);
    if (end == xml.npos) return;
    std::string_view tag = xml.substr(at + 1, end - at - 1);
    if (tag.starts_with("/")) {
      if (open.empty()) return;
      const std::string_view text = xml.substr(text_from, at - text_from);
      if (text.find('<') == text.npos && !trimmed(text).empty()) see(path, text);
      open.pop_back();
      join();
      text_from = at;  // what follows is no text of an element
    } else if (!tag.starts_with("?") && !tag.starts_with("!") && !tag.ends_with("/")) {
      if (open.size() >= 64) return;
      open.push_back(tag.substr(0, tag.find_first_of(" \t\r\n")));
      join();
      see(path, {});
      text_from = end + 1;
    }
    at = end + 1;
  }
}

std::optional<XdfValue> xdf_value(const std::string& format) {
  static constexpr std::pair<std::string_view, XdfValue> kFormats[] = {
      {"float32", XdfValue::kFloat32}, {"double64", XdfValue::kDouble64},
      {"string", XdfValue::kString},   {"int8", XdfValue::kInt8},
      {"int16", XdfValue::kInt16},     {"int32", XdfValue::kInt32},
      {"int64", XdfValue::kInt64}};
  for (const auto& [name, value] : kFormats)
    if (format == name) return value;
  return std::nullopt;
}

size_t xdf_size(XdfValue value) {
  switch (value) {
    case XdfValue::kInt8: return 1;
    case XdfValue::kInt16: return 2;
    case XdfValue::kInt32:
    case XdfValue::kFloat32: return 4;
    case XdfValue::kInt64:
    case XdfValue::kDouble64: return 8;
    case XdfValue::kString: return 2;  // a length and no text
  }
  return 1;
}

}  // namespace

Result<XdfFile> XdfFile::open(ByteInput input, const std::string& name) {
  if (input.read_at(0, 4) != "XDF:")
    return Error{Code::kInvalidArgument,
                 name + ":0: does not begin as an XDF file; is this the file?"};
  XdfFile file;
  file.input_ = std::move(input);
  return file;
}

void XdfFile::rewind() {
  at_ = 4;
  lost_ = false;
  troubles_.clear();
}

void XdfFile::lose(uint64_t at, const std::string& what) {
  lost_ = true;
  if (troubles_.size() < kMaxXdfTroubles) troubles_.push_back({"", at, what, true});
}

/// Where a boundary chunk's mark ends, behind `from`.
std::optional<uint64_t> XdfFile::boundary(uint64_t from) const {
  Bytes window;
  for (; from < input_.size(); from += kXdfWindow) {
    input_.read_at(from, kXdfWindow + kXdfBoundary.size(), window);
    if (window.empty()) break;
    if (const size_t found = window.find(kXdfBoundary); found != window.npos)
      return from + found + kXdfBoundary.size();
  }
  return std::nullopt;
}

std::optional<XdfChunk> XdfFile::next() {
  while (at_ < input_.size()) {
    const uint64_t begin = at_;
    const Bytes head = input_.read_at(at_, 15);
    XdfCursor in(head);
    const uint64_t length = in.length();
    const auto tag = in.take<uint16_t>();
    XdfChunk chunk;
    chunk.at = begin + (head.size() - in.left());
    const bool sane = in.ok() && length >= 2 && tag >= 1 && tag <= 6;
    if (!sane || length - 2 > input_.size() - chunk.at) {
      const bool cut = sane || head.size() < 15;
      const auto on = boundary(begin + 1);
      lose(begin, on    ? "bytes that are no chunk; what follows is read from the next boundary on"
                  : cut ? "the file ends inside a chunk"
                        : "bytes that are no chunk; nothing behind them can be read");
      at_ = on.value_or(input_.size());
      continue;
    }
    chunk.size = length - 2;
    chunk.tag = static_cast<XdfChunk::Tag>(tag);
    at_ = chunk.at + chunk.size;
    if (chunk.tag == XdfChunk::Tag::kHeader || chunk.tag == XdfChunk::Tag::kBoundary) continue;
    if (chunk.size < 4 || chunk.size > kMaxXdfChunk) {
      lose(begin, "a chunk of " + std::to_string(chunk.size) + " bytes, which is left out");
      continue;
    }
    chunk.stream = load_le<uint32_t>(input_.read_at(chunk.at, 4).append(4, '\0').data());
    chunk.at += 4;
    chunk.size -= 4;
    return chunk;
  }
  return std::nullopt;
}

std::optional<XdfStream> XdfFile::read_stream(const XdfChunk& chunk) const {
  if (chunk.size > kMaxXdfHeader) return std::nullopt;
  const Bytes xml = input_.read_at(chunk.at, static_cast<size_t>(chunk.size));
  XdfStream out;
  out.id = chunk.stream;
  std::string format, count;
  walk_xml(xml, [&](const std::string& path, std::string_view text) {
    if (path == "info/desc/channels/channel" && text.empty() &&
        out.labels.size() < kMaxXdfChannels) {
      out.labels.emplace_back();
      out.units.emplace_back();
    }
    if (text.empty()) return;
    if (path == "info/name") out.name = plain_of_xml(text);
    if (path == "info/channel_count") count = plain_of_xml(text);
    if (path == "info/nominal_srate") out.rate = plain_of_xml(text);
    if (path == "info/channel_format") format = plain_of_xml(text);
    if (path == "info/desc/channels/channel/label" && !out.labels.empty())
      out.labels.back() = plain_of_xml(text);
    if (path == "info/desc/channels/channel/unit" && !out.units.empty())
      out.units.back() = plain_of_xml(text);
  });
  double channels = 0;
  const auto value = xdf_value(format);
  if (!value || !read_number(count, channels) || !(channels >= 1 && channels <= kMaxXdfChannels))
    return std::nullopt;
  out.value = *value;
  out.channels = static_cast<size_t>(channels);
  return out;
}

std::optional<ClockMeasured> XdfFile::read_clock(const XdfChunk& chunk) const {
  if (chunk.size < 16) return std::nullopt;
  const Bytes bytes = input_.read_at(chunk.at, 16);
  if (bytes.size() < 16) return std::nullopt;
  const ClockMeasured out{load_le<double>(bytes.data()), load_le<double>(bytes.data() + 8)};
  if (!(std::abs(out.at) < 8e9 && std::abs(out.offset) < 8e9)) return std::nullopt;
  return out;
}

void XdfFile::read_samples(const XdfChunk& chunk, const XdfStream& stream, XdfSamples& out) const {
  out = {};
  const Bytes bytes = input_.read_at(chunk.at, static_cast<size_t>(chunk.size));
  XdfCursor in(bytes);
  const uint64_t count = in.length();
  const size_t width = xdf_size(stream.value);
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    std::optional<double> stamp;
    const auto stamped = in.take<uint8_t>();
    if (stamped == 8) stamp = in.take<double>();
    if (!in.ok() || (stamped != 0 && stamped != 8) || in.left() < stream.channels * width) break;
    if (stamp && !(std::abs(*stamp) < 8e9)) stamp.reset();  // no clock shows that
    const size_t before = out.texts.size();
    for (size_t c = 0; c < stream.channels && in.ok(); ++c) switch (stream.value) {
        case XdfValue::kInt8: out.ints.push_back(in.take<int8_t>()); break;
        case XdfValue::kInt16: out.ints.push_back(in.take<int16_t>()); break;
        case XdfValue::kInt32: out.ints.push_back(in.take<int32_t>()); break;
        case XdfValue::kInt64: out.ints.push_back(in.take<int64_t>()); break;
        case XdfValue::kFloat32: out.reals.push_back(static_cast<double>(in.take<float>())); break;
        case XdfValue::kDouble64: out.reals.push_back(in.take<double>()); break;
        case XdfValue::kString:
          out.texts.emplace_back(in.text(in.length()).substr(0, kMaxXdfText));
          break;
      }
    if (!in.ok()) {
      out.texts.resize(before);
      break;
    }
    out.stamps.push_back(stamp);
  }
  out.whole = in.ok() && out.stamps.size() == count;
}

}  // namespace casebox::recorder::internal
