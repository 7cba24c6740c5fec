#pragma once

// A WFDB record by its header (.hea), with the signal and annotation files beside it. Signals of
// one rate and skew share a stream, `<source>.waves` from 10 Hz on, else `<source>.numerics`; of a
// record of several segments each signal has its own. Samples are the record's own codes with gain
// and offset; where the gain of a signal changes between segments, physical numbers. Annotations go
// to
// `<source>.events`, those of another annotator to `<source>.events_<annotator>`.
//
// Invalid samples, segments in which nothing was recorded, signals that a segment has not, files
// that end early or are not there: each a gap of known count.
//
// Thread safety, errors: as Source. Formats: recorder/sources/internal/wfdb_header.h and beside it.

#include <functional>
#include <string>
#include <vector>

#include "recorder/sources/internal/byte_input.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

class WfdbSource final : public Source {
 public:
  /// A file beside the header, by its plain name.
  using Folder = std::function<Result<internal::ByteInput>(const std::string& name)>;

  static Result<std::unique_ptr<Source>> open(Context context);
  /// From the header's bytes and a folder; `config.url` names the header in errors.
  static Result<std::unique_ptr<Source>> over(Context context, const Bytes& header, Folder folder);
  ~WfdbSource() override;

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  Wall wall() const override;
  void move(Duration by) override;
  Duration length() const override;

 private:
  WfdbSource();
  Result<void> begin(const Context& context);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Paths of the files that belong to a header and are there; nothing for what is no header.
std::vector<std::string> wfdb_companions(const std::string& header);

}  // namespace casebox::recorder
