#include "recorder/sources/internal/meta_image_header.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include "recorder/sources/internal/even_samples.h"

namespace casebox::recorder::internal {
namespace {

constexpr uint64_t kMaxMetaFrames = 10'000'000;
constexpr size_t kMaxTransforms = 64;
constexpr size_t kMaxTransformName = 100;
constexpr size_t kMaxMetaLine = 1u << 20;

/// The numbers of a matrix of three or four rows of four.
bool matrix(std::string_view text, std::array<double, 12>& out) {
  size_t n = 0;
  double value = 0;
  while (!(text = trimmed(text)).empty()) {
    const size_t end = std::min(text.find_first_of(" \t"), text.size());
    if (n >= 16 || !read_number(text.substr(0, end), value)) return false;
    if (n < 12) out[n] = value;
    ++n;
    text.remove_prefix(end);
  }
  return n == 12 || n == 16;
}

class MetaReader {
 public:
  explicit MetaReader(const std::string& name) : name_(name) {}

  Result<MetaImage> run(std::string_view header) {
    out_.whole = false;
    for (size_t from = 0; from < header.size();) {
      const size_t end = std::min(header.find('\n', from), header.size());
      const std::string_view row = header.substr(from, end - from);
      from = end + 1;
      ++line_;
      const size_t equals = row.find('=');
      if (row.size() > kMaxMetaLine || equals == row.npos)
        return bad("no `key = value`; is this the header of a MetaImage?");
      const std::string_view key = trimmed(row.substr(0, equals));
      const std::string_view value = trimmed(row.substr(equals + 1));
      if (key == "ElementDataFile") {
        out_.whole = true;
        break;
      }
      if (key == "DimSize") out_.pictures = !value.starts_with("0");
      if (key.starts_with(kFrame)) CASEBOX_CHECK(field(key.substr(kFrame.size()), value));
    }
    return finish();
  }

 private:
  static constexpr std::string_view kFrame = "Seq_Frame";
  static constexpr std::string_view kTransform = "Transform", kStatus = "TransformStatus";

  Error bad(const std::string& what) const {
    return {Code::kInvalidArgument, name_ + ":" + std::to_string(line_) + ": " + what};
  }

  Result<void> field(std::string_view rest, std::string_view value) {
    const size_t mark = rest.find('_');
    uint64_t number = 0;
    const char* digits_end = rest.data() + std::min(mark, rest.size());
    const auto [end, ec] = std::from_chars(rest.data(), digits_end, number);
    if (mark == rest.npos || ec != std::errc() || end != digits_end || number >= kMaxMetaFrames)
      return bad("no number of a frame below 10 million; mend the header");
    const std::string_view name = rest.substr(mark + 1);
    MetaFrame& frame = frames_[number];
    double told = 0;
    if (name == "Timestamp") {
      if (read_number(value, told)) frame.time = told;
      frame.line = line_;
    } else if (name == "UnfilteredTimestamp") {
      if (read_number(value, told)) frame.unfiltered = told;
    } else if (name == "FrameNumber") {
      if (read_number(value, told) && told > -1e15 && told < 1e15)
        frame.number = static_cast<int64_t>(told);
    } else if (name.ends_with(kStatus)) {
      if (value != "OK")
        lost_.insert({number, std::string(name.substr(0, name.size() - kStatus.size()))});
    } else if (name.ends_with(kTransform)) {
      const std::string of(name.substr(0, name.size() - kTransform.size()));
      const auto [it, fresh] = transforms_.try_emplace(of, out_.transforms.size());
      if (fresh) {
        if (out_.transforms.size() >= kMaxTransforms || of.empty() || of.size() > kMaxTransformName)
          return bad("more than 64 transforms, or one without a name; split the file");
        out_.transforms.push_back(of);
      }
      std::array<double, 12> rows{};
      if (matrix(value, rows))
        frame.poses[it->second] = rows;
      else
        ++out_.unsound;
    } else {
      ++out_.others;
    }
    return ok();
  }

  Result<MetaImage> finish() {
    for (const auto& [number, name] : lost_)
      if (const auto at = transforms_.find(name); at != transforms_.end())
        frames_[number].poses.erase(at->second);
    for (auto& [number, frame] : frames_) {
      if (!frame.time || !(*frame.time > -4e9 && *frame.time < 4e9)) {
        ++out_.untimed;
        continue;
      }
      if (!out_.frames.empty() && *frame.time < *out_.frames.back().time) {
        line_ = frame.line;
        return bad(
            "its time is before that of the frame before; split the file where the clock "
            "was set");
      }
      out_.frames.push_back(std::move(frame));
    }
    return std::move(out_);
  }

  const std::string& name_;
  uint64_t line_ = 0;
  MetaImage out_;
  std::map<uint64_t, MetaFrame> frames_;
  std::map<std::string, size_t> transforms_;
  std::set<std::pair<uint64_t, std::string>> lost_;
};

}  // namespace

Result<MetaImage> read_meta_image(BytesView header, const std::string& name) {
  return MetaReader(name).run(header);
}

}  // namespace casebox::recorder::internal
