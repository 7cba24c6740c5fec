#include "recorder/sources/internal/wfdb_segment.h"

#include <utility>

namespace casebox::recorder::internal {

std::vector<std::string> open_files(
    OpenSegment& at, const std::function<Result<ByteInput>(const std::string&)>& folder,
    const std::string& name) {
  std::vector<std::string> said;
  const auto& signals = at.header.signals;
  at.codes.resize(signals.size());
  at.missing.resize(signals.size());
  at.sum.resize(signals.size());
  at.read.resize(signals.size());
  for (const WfdbSignal& signal : signals) at.before.push_back(signal.initial);
  for (size_t s = 0; s < signals.size();) {
    WfdbFile& file = at.files.emplace_back();
    size_t end = s;
    while (end < signals.size() && signals[end].file == signals[s].file &&
           signals[end].format == signals[s].format) {
      file.signals.push_back(end);
      file.per_frame += signals[end++].per_frame;
    }
    const WfdbSignal& first = signals[s];
    s = end;
    if (first.file == "~") continue;  // a layout's
    const auto problem = [&](const std::string& what) {
      said.push_back(std::to_string(file.signals.size()) + " signals cannot be read: " + what);
    };
    if (!is_plain_name(first.file)) {
      problem("their file stands in another folder; put it beside the header");
      continue;
    }
    auto input = folder(first.file);
    if (!input) {
      problem("their file is not beside the header, or cannot be opened");
      continue;
    }
    auto samples =
        WfdbSamples::open(std::move(*input), first.format, first.offset, file.signals.size(), name);
    if (!samples) {
      problem(samples.error().message);
      continue;
    }
    file.samples.emplace(std::move(*samples));
  }
  return said;
}

void read_frames(OpenSegment& at, uint64_t frames) {
  std::vector<int32_t> raw;
  for (auto& codes : at.codes) codes.clear();
  for (auto& missing : at.missing) missing.clear();
  for (WfdbFile& file : at.files) {
    if (!file.samples || file.ended) continue;
    raw.clear();
    const size_t wanted = static_cast<size_t>(frames) * file.per_frame;
    file.samples->read(wanted, raw);
    file.ended = raw.size() < wanted;
    size_t i = 0;
    while (i < raw.size())
      for (const size_t s : file.signals) {
        const WfdbSignal& signal = at.header.signals[s];
        const auto invalid = wfdb_invalid(signal.format);
        for (uint32_t k = 0; k < signal.per_frame && i < raw.size(); ++k, ++i) {
          int64_t code = raw[i];
          if (signal.format == 8) {
            code += at.before[s];
            code = static_cast<int32_t>(static_cast<uint32_t>(code));
          }
          at.before[s] = code;
          at.sum[s] += static_cast<uint32_t>(code);
          ++at.read[s];
          at.codes[s].push_back(code);
          at.missing[s].push_back(invalid && raw[i] == *invalid);
        }
      }
  }
}

std::vector<size_t> wrong_sums(const OpenSegment& at) {
  std::vector<size_t> out;
  for (size_t s = 0; s < at.header.signals.size(); ++s) {
    const WfdbSignal& signal = at.header.signals[s];
    if (!signal.checksum || at.read[s] != at.frames * signal.per_frame || at.read[s] == 0) continue;
    if (static_cast<uint16_t>(at.sum[s]) != static_cast<uint16_t>(*signal.checksum))
      out.push_back(s);
  }
  return out;
}

}  // namespace casebox::recorder::internal
