#include "recorder/sources/meta_image_source.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "recorder/sources/internal/byte_input.h"
#include "recorder/sources/internal/even_samples.h"
#include "recorder/sources/internal/meta_image_header.h"

namespace casebox::recorder {

namespace {

constexpr size_t kMaxMetaHeader = 256u << 20;
constexpr size_t kMetaPiece = 1u << 20;
constexpr size_t kMetaAtOnce = 256;  // frames

int64_t meta_ns(double seconds) { return std::llround(seconds * 1e9); }

}  // namespace

struct MetaImageSource::Impl {
  internal::MetaImage image;
  internal::FileClock clock;
  size_t at = 0;
  bool numbered = false;  // its frames tell more than their times

  void put(size_t stream, int64_t t, const std::vector<std::optional<double>>& row,
           std::vector<Item>& out) const;
};

MetaImageSource::MetaImageSource() : impl_(std::make_unique<Impl>()) {}
MetaImageSource::~MetaImageSource() = default;

Result<std::unique_ptr<Source>> MetaImageSource::open(Context context) {
  CASEBOX_TRY(const auto input, internal::ByteInput::open(context.config.url()));
  // Pictures may stand behind the header, as large as they please.
  Bytes header;
  while (header.size() < std::min<uint64_t>(input.size(), kMaxMetaHeader)) {
    const size_t before = header.size();
    header += input.read_at(before, kMetaPiece);
    if (header.size() == before) break;
    const size_t end = header.find("\nElementDataFile", before < 32 ? 0 : before - 32);
    if (end != Bytes::npos && header.find('\n', end + 1) != Bytes::npos) {
      header.resize(header.find('\n', end + 1) + 1);
      break;
    }
  }
  return over(std::move(context), header);
}

Result<std::unique_ptr<Source>> MetaImageSource::over(Context context, BytesView bytes) {
  const v1::SourceConfig& config = context.config;
  std::unique_ptr<MetaImageSource> source(new MetaImageSource);
  Impl& impl = *source->impl_;
  CASEBOX_TRY(impl.image, internal::read_meta_image(bytes, config.url()));
  const internal::MetaImage& image = impl.image;
  const auto say = [&](const std::string& what, bool damage = false) {
    source->skipped_.push_back({internal::base_name(config.url()), 0, what, damage});
  };
  if (image.frames.empty())
    return Error{Code::kInvalidArgument,
                 config.url() + ": this is a MetaImage without frames that tell their time (" +
                     (image.pictures ? "one picture or volume" : "no picture either") +
                     "); write its pictures as MP4 with ffmpeg"};
  if (image.pictures) say("its pictures are left out; write them as a video to record them");
  if (image.others > 0)
    say(std::to_string(image.others) + " other fields of its frames are left out");
  if (image.untimed > 0)
    say(std::to_string(image.untimed) + " frames do not tell their time and are left out", true);
  if (image.unsound > 0)
    say(std::to_string(image.unsound) + " transforms are no matrices: a gap stands at each", true);
  if (!image.whole) say("the file ends inside its header: what stood behind is lost", true);
  CASEBOX_TRY(impl.clock.start_ns, internal::start_of(config));
  impl.clock.origin_ns = meta_ns(*image.frames.front().time);
  impl.clock.quantum_ns = 1000;
  const std::string device = config.device().empty() ? "navigation" : config.device();
  std::map<std::string, int> used;
  for (const std::string& transform : image.transforms) {
    std::string name =
        config.name() + "." + internal::name_part(text::to_utf8(transform), "transform");
    if (const int n = ++used[name]; n > 1) name += "_" + std::to_string(n);
    v1::Stream& stream = source->streams_.emplace_back(internal::sample_stream(name, {}, device));
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 4; ++column)
        internal::add_channel(stream, "m" + std::to_string(row) + std::to_string(column),
                              column == 3 ? "mm" : "1", v1::SAMPLE_TYPE_F64);
  }
  impl.numbered = std::ranges::any_of(image.frames, [](const internal::MetaFrame& frame) {
    return frame.number || frame.unfiltered;
  });
  if (!impl.numbered && !image.transforms.empty())
    return std::unique_ptr<Source>(std::move(source));
  v1::Stream& frames =
      source->streams_.emplace_back(internal::sample_stream(config.name() + ".frames", {}, device));
  internal::add_channel(frames, "frame", "1", v1::SAMPLE_TYPE_F64);
  internal::add_channel(frames, "unfiltered_time", "s", v1::SAMPLE_TYPE_F64);
  return std::unique_ptr<Source>(std::move(source));
}

void MetaImageSource::Impl::put(size_t stream, int64_t t,
                                const std::vector<std::optional<double>>& row,
                                std::vector<Item>& out) const {
  internal::Ticks ticks;
  ticks.count = 1;
  for (const std::optional<double>& value : row) {
    Column& column = ticks.columns.emplace_back();
    if (value) column.reals.push_back(*value);
  }
  const size_t before = out.size();
  internal::put_ticks(stream, clock, {}, t, 0, std::move(ticks), "invalid-samples", out);
  for (size_t i = before; i < out.size(); ++i)
    if (auto* one = std::get_if<Samples>(&out[i].what)) {
      one->t_src_step = 0;
      out[i].duration = {};
      out[i].arrival = out[i].t;
    }
}

Result<bool> MetaImageSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  if (impl.at >= impl.image.frames.size()) return false;
  for (size_t i = 0; i < kMetaAtOnce && impl.at < impl.image.frames.size(); ++i, ++impl.at) {
    const internal::MetaFrame& frame = impl.image.frames[impl.at];
    const int64_t t = meta_ns(*frame.time);
    const size_t transforms = impl.image.transforms.size();
    for (size_t s = 0; s < transforms; ++s) {
      std::vector<std::optional<double>> row(12);
      if (const auto pose = frame.poses.find(s); pose != frame.poses.end())
        std::ranges::copy(pose->second, row.begin());
      impl.put(s, t, row, out);
    }
    if (!impl.numbered && transforms > 0) continue;
    std::vector<std::optional<double>> row(2);
    if (frame.number) row[0] = static_cast<double>(*frame.number);
    row[1] = frame.unfiltered;
    impl.put(transforms, t, row, out);
  }
  return true;
}

std::vector<ClockState> MetaImageSource::clocks() const { return {impl_->clock.state()}; }
void MetaImageSource::move(Duration by) { impl_->clock.start_ns += by.ns; }

Duration MetaImageSource::length() const {
  return impl_->clock.map(meta_ns(*impl_->image.frames.back().time)) - CaseTime{};
}

}  // namespace casebox::recorder
